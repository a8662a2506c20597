package guide

import (
	"fmt"
	"slices"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// sender says how a key pair gets into a sending system, kind by kind. What cannot be done with
// the files that are there is left out.
func (p *page) sender(i Item) {
	p.subject(i)
	key := quoted(i.find(keystore.KeyFile, keystore.TraditionalFile, keystore.EncryptedKeyFile))
	chain := quoted(i.find(keystore.ChainFile, keystore.FullChainFile))
	one := quoted(i.find(keystore.PEMFile))
	p12 := i.find(keystore.PKCS12File, keystore.PFXFile, keystore.LegacyPKCS12File)
	jks := i.find(keystore.JKSFile)
	pair := key != "" && chain != ""

	if p12 != "" {
		abap := i.find(keystore.LegacyPKCS12File, keystore.PKCS12File, keystore.PFXFile)
		p.item("ABAP (transaction STRUST)", "make a PSE of the file, then import it: menu PSE > Import, and PSE > Save as > SSL Client")
		p.command(fmt.Sprintf("sapgenpse import_p12 -p sender.pse %s", quoted(abap)))
	}
	if p12 != "" {
		p.item("Java", fmt.Sprintf("point the program to %s (javax.net.ssl.keyStore, type PKCS12), or put it into a keystore that is there", p12))
		p.command(fmt.Sprintf("keytool -importkeystore -srckeystore %s -srcstoretype PKCS12 -srcstorepass:env PASSWORD -destkeystore sender.jks -deststoretype JKS -deststorepass:env PASSWORD", quoted(p12)))
	} else if jks != "" {
		p.item("Java", fmt.Sprintf("point the program to %s (javax.net.ssl.keyStore, type JKS)", jks))
		p.command(fmt.Sprintf("keytool -list -v -keystore %s -storepass:env PASSWORD", quoted(jks)))
	}
	switch {
	case p12 != "" && pair:
		p.item("Postman", fmt.Sprintf("Settings > Certificates > Add Certificate, with HOST, and either CRT file %s and KEY file %s, or PFX file %s with its password", i.find(keystore.ChainFile, keystore.FullChainFile), i.find(keystore.KeyFile, keystore.TraditionalFile, keystore.EncryptedKeyFile), p12))
	case p12 != "":
		p.item("Postman", fmt.Sprintf("Settings > Certificates > Add Certificate, with HOST and PFX file %s with its password", p12))
	case pair:
		p.item("Postman", fmt.Sprintf("Settings > Certificates > Add Certificate, with HOST, CRT file %s and KEY file %s", i.find(keystore.ChainFile, keystore.FullChainFile), i.find(keystore.KeyFile, keystore.TraditionalFile, keystore.EncryptedKeyFile)))
	}
	if store := i.find(keystore.JKSFile, keystore.PKCS12File, keystore.PFXFile, keystore.LegacyPKCS12File); store != "" {
		p.item("SoapUI", fmt.Sprintf("Preferences > SSL Settings > KeyStore %s with its password; for one project: WS-Security Configurations > Keystores > add %s, then choose it as SSL Keystore of the request", store, store))
	}
	switch {
	case pair:
		p.item("curl", "as it stands")
		p.command(fmt.Sprintf("curl --cert %s --key %s https://HOST/http/ADDRESS", chain, key))
		if p12 != "" {
			p.command(fmt.Sprintf(`curl --cert-type P12 --cert %s:"$PASSWORD" https://HOST/http/ADDRESS`, quoted(p12)))
		}
	case p12 != "":
		p.item("curl", "as it stands")
		p.command(fmt.Sprintf(`curl --cert-type P12 --cert %s:"$PASSWORD" https://HOST/http/ADDRESS`, quoted(p12)))
	}
	if pair && one != "" {
		p.item("OpenSSL", "shows the handshake, and what the load balancer presents")
		p.command(fmt.Sprintf("openssl s_client -connect HOST:443 -servername HOST -cert %s -key %s -cert_chain %s", one, key, chain))
	}
	if pair {
		p.item("Python and Node.js", "with requests, and with https")
		p.command(fmt.Sprintf("requests.get(url, cert=(%q, %q))", i.find(keystore.ChainFile, keystore.FullChainFile), i.find(keystore.KeyFile, keystore.TraditionalFile, keystore.EncryptedKeyFile)))
		p.command(fmt.Sprintf("https.request(url, {cert: fs.readFileSync(%q), key: fs.readFileSync(%q)})", i.find(keystore.ChainFile, keystore.FullChainFile), i.find(keystore.KeyFile, keystore.TraditionalFile, keystore.EncryptedKeyFile)))
	}
}

// answer says how a signed request gets back to where it was made.
func (p *page) answer(i Item) {
	p.subject(i)
	p7b := i.find(keystore.PKCS7File)
	chain := i.find(keystore.ChainFile, keystore.FullChainFile)
	if p7b != "" {
		p.item("ABAP (transaction STRUST)", fmt.Sprintf("open the SSL client PSE that made the request, choose Import certificate response, load %s, and save", p7b))
		p.item("ABAP (sapgenpse)", "PSE is the file that made the request")
		p.command(fmt.Sprintf("sapgenpse import_own_cert -c %s -p PSE", quoted(p7b)))
		p.item("Java", "KEYSTORE is the one that made the request, ALIAS the entry in it")
		p.command(fmt.Sprintf("keytool -importcert -noprompt -trustcacerts -alias ALIAS -file %s -keystore KEYSTORE -storepass:env PASSWORD", quoted(p7b)))
	}
	if chain != "" {
		p.item("OpenSSL, curl and others", "KEY is the private key with which the request was made")
		p.command(fmt.Sprintf("curl --cert %s --key KEY https://HOST/http/ADDRESS", quoted(chain)))
	}
	if p7b == "" && chain == "" {
		p.text("  Only the certificate itself is here. The sender also needs the certificates of the issuing CAs.")
	}
}

func (p *page) subject(i Item) { fmt.Fprintf(&p.out, "\n* %s\n", i.Certificate.Name()) }

// tenant says what of senders' certificates goes to the tenant.
func (p *page) tenant(senders []Item) {
	var files []string
	for _, i := range senders {
		if name := i.find(keystore.DERFile, keystore.PEMFile); name != "" {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		return
	}
	p.section("To the tenant")
	p.text("The sender's own certificate, and nothing else: never its private key, and not the certificate of a CA in its place. One of the two, depending on what the sender channel asks for:")
	p.item("User Role (recommended)", "Operations View > Manage Security > Certificate-to-User Mappings > Add: a user name, and upload the file. The user needs the channel's role (ESBMessaging.send by default)")
	p.item("Client Certificate", "integration flow > sender channel > Connection > Authorization: Client Certificate > Add: upload the file, then deploy again. Only subject and issuer are kept")
	p.text("The whole certificate counts in a mapping, so that a renewed one needs a mapping of its own: add it beside the old one, switch the sender, remove the old one. The tenant's keystore has nothing to do with calls that come in.")
	p.out.WriteByte('\n')
	for _, name := range files {
		p.command(name)
	}
}

// loadBalancer says what of roots goes to a load balancer. Where no root is a file of its own, it
// is the last certificate of the senders' full chains.
func (p *page) loadBalancer(roots, senders []Item) {
	var files []string
	for _, i := range roots {
		if name := i.find(keystore.PEMFile, keystore.DERFile); name != "" {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		for _, i := range senders {
			if name := i.find(keystore.FullChainFile); name != "" && i.Certificate.Issuer() != nil {
				files = append(files, name+" (the root is its last certificate)")
				break
			}
		}
	}
	if len(files) == 0 {
		return
	}
	p.section("To the load balancer")
	p.text("Only to that of a test: the trust list of a gatehouse landscape, or the CA file of an HAProxy that stands in for it. The load balancer of a real tenant trusts its own list of roots and no other, so that these certificates are refused there (verify result 19 or 20); a custom domain of one's own may have a list of one's own.")
	p.out.WriteByte('\n')
	for _, name := range files {
		p.command(name)
	}
}

// nobody says what stays here.
func (p *page) nobody(items []Item) {
	var keys, archives []string
	for _, i := range items {
		for _, f := range i.Files {
			switch {
			case f.Export == keystore.ArchiveFile:
				archives = append(archives, f.Name)
			case i.Certificate.IsCA() && f.Export.Info().Private:
				keys = append(keys, f.Name)
			}
		}
	}
	if len(keys)+len(archives) == 0 {
		return
	}
	p.section("To nobody")
	if len(keys) > 0 {
		p.text("The private keys of the CAs. Who has one can make certificates that every test trusts. They stay here, to sign further ones:")
		p.out.WriteByte('\n')
		for _, name := range keys {
			p.command(name)
		}
	}
	if len(archives) > 0 {
		p.text("The archives, which hold everything of a certificate. They are for keeping; take single files out of them:")
		p.out.WriteByte('\n')
		for _, name := range archives {
			p.command(name)
		}
	}
}

// defects says what the defective certificates are for.
func (p *page) defects(defective, all []Item) {
	if len(defective) == 0 {
		return
	}
	p.section("What is wrong on purpose")
	p.text("Each of these differs from its good twin in one thing. A call with it must end as it says here; the good twin is the positive control. How each comes about in life, and what to do then, say \"gatehouse pki defects\" and its id.")
	catalogue := pki.Defects()
	for _, i := range defective {
		at := slices.IndexFunc(catalogue, func(d pki.Defect) bool { return d.ID == i.Certificate.Defect() })
		if at < 0 {
			continue
		}
		d := catalogue[at]
		p.out.WriteByte('\n')
		p.wrap("* ", "  ", fmt.Sprintf("%s: %s (%s).", i.Certificate.Name(), d.Title, d.ID))
		p.wrap("  ", "  ", expectation(d))
		if twin := goodTwin(i.Certificate, all); twin != "" {
			p.wrap("  ", "  ", "Its good twin here is "+twin+".")
		}
	}
}

func expectation(d pki.Defect) string {
	switch {
	case d.Unreadable:
		return "Expected: OpenSSL cannot read it; the handshake ends."
	case d.Code == 0:
		return "Expected: the load balancer's OpenSSL does not mind (verify result 0)."
	case d.NeedsCRL:
		return fmt.Sprintf("Expected: verify result %d at depth %d where CRLs are checked, else 0.", d.Code, d.Depth)
	case d.Group == pki.Trust:
		return fmt.Sprintf("Expected: verify result %d at depth %d, where only the good root is trusted; the certificate is not passed on.", d.Code, d.Depth)
	default:
		return fmt.Sprintf("Expected: verify result %d at depth %d, once its root is trusted; the certificate is not passed on.", d.Code, d.Depth)
	}
}

// goodTwin is the name of the good certificate of the same subject and issuer; empty if it is not
// here.
func goodTwin(c *pki.Certificate, all []Item) string {
	for _, other := range all {
		o := other.Certificate
		if o.Defect() == "" && o.IsCA() == c.IsCA() && len(c.X509().RawSubject) > 0 &&
			string(o.X509().RawSubject) == string(c.X509().RawSubject) && string(o.X509().RawIssuer) == string(c.X509().RawIssuer) {
			return o.Name()
		}
	}
	return ""
}
