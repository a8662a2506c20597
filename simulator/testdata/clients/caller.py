# Calls once for each line of the standard input: URL, address, certificate, key, trusted roots,
# separated by tabs. Prints the status, or what the exception says.
import socket
import sys

import requests

lookup = socket.getaddrinfo


def call(url, address, certificate, key, trusted):
    # The host names of a test are in no name service.
    host, port = address.rsplit(":", 1)
    socket.getaddrinfo = lambda name, _, *rest, **more: lookup(host, port, *rest, **more)
    cert = (certificate, key) if key else certificate or None
    try:
        return "HTTP %d" % requests.get(url, cert=cert, verify=trusted).status_code
    except (requests.exceptions.RequestException, OSError) as e:
        return "%s: %s" % (type(e).__name__, e)


for line in sys.stdin:
    print(call(*line.rstrip("\n").split("\t")).replace("\n", " "), flush=True)
