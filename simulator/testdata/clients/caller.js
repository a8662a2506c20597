// Calls once for each line of the standard input: URL, address, certificate, key, trusted roots,
// separated by tabs. Prints the status, or what the error says.
const fs = require('fs');
const https = require('https');
const readline = require('readline');

function call(url, address, certificate, key, trusted) {
  return new Promise((resolve) => {
    const [host] = address.split(':');
    const options = {
      ca: fs.readFileSync(trusted), agent: false,
      // The host names of a test are in no name service.
      lookup: (name, o, done) => (o.all ? done(null, [{ address: host, family: 4 }]) : done(null, host, 4)),
    };
    if (certificate) options.cert = fs.readFileSync(certificate);
    if (key) options.key = fs.readFileSync(key);
    try {
      const request = https.get(url, options, (response) => {
        response.resume();
        response.on('end', () => resolve('HTTP ' + response.statusCode));
      });
      request.on('error', (e) => resolve(`${e.code}: ${e.message}`));
    } catch (e) {
      resolve(`${e.code}: ${e.message}`);
    }
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log((await call(...line.split('\t'))).replace(/\n/g, ' ').trim());
  }
})();
