package pki

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
	"unicode"
)

// maxDescriptions bounds a document.
const maxDescriptions = 5_000

// Validate finds everything that is wrong with the descriptions, without making anything and
// without reading files. Nil: [Mint] will only fail for what is in files, for dates that only
// the clock can tell to be in the wrong order, and for want of randomness.
func Validate(descriptions []Description) []Problem {
	if len(descriptions) > maxDescriptions {
		return []Problem{{Index: maxDescriptions, Field: "name",
			Message: fmt.Sprintf("found %d entries, expected %d at most", len(descriptions), maxDescriptions)}}
	}
	c := newChecker(descriptions)
	for i := range descriptions {
		c.name(i)
	}
	cyclic := c.cycles()
	for i := range descriptions {
		c.references(i)
		c.values(i)
		c.contradictions(i)
		if !cyclic {
			c.defect(i)
		}
	}
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return a.Index - b.Index })
	return c.problems
}

type checker struct {
	all      []Description
	index    map[string]int
	names    []string
	problems []Problem
	// Where follow ended, by entry and plus one; 0 is not known yet.
	origins, issuers, defects []int
}

func newChecker(all []Description) *checker {
	c := &checker{
		all: all, index: make(map[string]int, len(all)), names: make([]string, 0, len(all)),
		origins: make([]int, len(all)), issuers: make([]int, len(all)), defects: make([]int, len(all)),
	}
	for i, d := range all {
		if _, twice := c.index[d.Name]; !twice {
			c.index[d.Name] = i
			c.names = append(c.names, d.Name)
		}
	}
	return c
}

func (c *checker) report(i int, field, format string, arguments ...any) {
	c.problems = append(c.problems, Problem{Index: i, Field: field, Message: fmt.Sprintf(format, arguments...)})
}

func (c *checker) name(i int) {
	name := c.all[i].Name
	if err := checkName(name); err != nil {
		c.report(i, "name", "%s", err)
		return
	}
	if first := c.index[name]; first != i {
		c.report(i, "name", "%q is the name of entry %d already", name, first+1)
	}
}

// checkName accepts what can stand in a document, a message and a file name.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("expected a name")
	case len(name) > 100:
		return fmt.Errorf("%q is too long, expected 100 bytes at most", clip(name))
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%q begins or ends with a blank", name)
	case strings.ContainsAny(name, `/\`) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%q: expected printable characters without slash and backslash", name)
	default:
		return nil
	}
}

// dependsOn lists the entries that must be there before entry i, with the fields that say so.
func (c *checker) dependsOn(i int) (fields, names []string) {
	d := c.all[i]
	for _, one := range [...]struct{ field, name string }{
		{"issuer", d.Issuer}, {"like", d.Like}, {"crossSigns", d.CrossSigns},
	} {
		if one.name != "" {
			fields, names = append(fields, one.field), append(names, one.name)
		}
	}
	return fields, names
}

// cycles reports each cycle once, at the entry that closes it, and tells whether there is one.
func (c *checker) cycles() bool {
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(c.all))
	found := false
	var path []int
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		path = append(path, i)
		fields, names := c.dependsOn(i)
		for k, name := range names {
			next, known := c.index[name]
			switch {
			case !known || state[next] == done:
			case state[next] == open:
				found = true
				c.report(i, fields[k], "goes round in a circle: %s", c.circle(path[slices.Index(path, next):]))
			default:
				visit(next)
			}
		}
		path = path[:len(path)-1]
		state[i] = done
	}
	for i := range c.all {
		if state[i] == unseen {
			visit(i)
		}
	}
	return found
}

// circle writes down a cycle, long ones shortened.
func (c *checker) circle(entries []int) string {
	const shown = 6
	var words []string
	for _, i := range entries {
		words = append(words, fmt.Sprintf("%q", clip(c.all[i].Name)))
	}
	if len(words) > shown {
		words = append(words[:shown], "...")
	}
	return strings.Join(append(words, fmt.Sprintf("%q", clip(c.all[entries[0]].Name))), " -> ")
}

func (c *checker) references(i int) {
	d := c.all[i]
	fields, names := c.dependsOn(i)
	for k, name := range names {
		if _, known := c.index[name]; !known {
			c.report(i, fields[k], "no entry is named %q%s", clip(name), didYouMean(name, c.names))
		}
	}
	if issuer, known := c.index[d.Issuer]; known && d.Issuer != "" {
		if !c.isCA(issuer) {
			c.report(i, "issuer", "%q is not a CA; write \"ca: true\" there if it is to issue certificates", d.Issuer)
		} else if from := c.all[issuer]; from.File != "" && from.KeyFile == "" && d.File == "" {
			c.report(i, "issuer", "%q comes from a file and cannot sign without its keyFile", d.Issuer)
		}
	}
	if other, known := c.index[d.CrossSigns]; known && d.CrossSigns != "" {
		if from := c.all[other]; from.File != "" && from.KeyFile == "" {
			c.report(i, "crossSigns", "%q comes from a file and cannot be signed again without its keyFile", d.CrossSigns)
		}
	}
}

// follow goes from entry i to the one that next names, and on, until next names none that there is.
// memo holds where that was for the entries passed, so that a long document takes no longer than
// its length. The number of steps is bounded, since there may be circles.
func (c *checker) follow(i int, memo []int, next func(*Description) string) int {
	var passed []int
	for memo[i] == 0 && len(passed) < len(c.all) {
		name := next(&c.all[i])
		other, known := c.index[name]
		if name == "" || !known {
			break
		}
		passed, i = append(passed, i), other
	}
	end := i
	if memo[i] != 0 {
		end = memo[i] - 1
	}
	for _, i := range passed {
		memo[i] = end + 1
	}
	return end
}

// origin follows like and crossSigns to the entry where a certificate's kind is told.
func (c *checker) origin(i int) int {
	return c.follow(i, c.origins, func(d *Description) string { return cmp.Or(d.Like, d.CrossSigns) })
}

func (c *checker) isCA(i int) bool { return c.all[c.origin(i)].CA }

// issuer is the issuer of entry i, its own or the one of the entry that it is like.
func (c *checker) issuer(i int) string {
	return c.all[c.follow(i, c.issuers, likeUnless(func(d *Description) string { return d.Issuer }))].Issuer
}

// inheritedDefect is the defect of entry i, its own or the one of the entry that it is like.
func (c *checker) inheritedDefect(i int) string {
	return c.all[c.follow(i, c.defects, likeUnless(func(d *Description) string { return d.Defect }))].Defect
}

// likeUnless leads to the entry that one is like, unless it gives the field itself.
func likeUnless(field func(*Description) string) func(*Description) string {
	return func(d *Description) string {
		if field(d) != "" {
			return ""
		}
		return d.Like
	}
}

// values checks each field by itself.
func (c *checker) values(i int) {
	d := c.all[i]
	if dn, err := ParseDN(d.Subject); err != nil {
		c.report(i, "subject", "%s", err)
	} else if d.Subject != "" && len(dn) == 0 {
		c.report(i, "subject", "expected a name such as \"CN=%s, O=Example, C=DE\"", clip(d.Name))
	}
	if _, err := ParseKeyType(d.Key); err != nil {
		c.report(i, "key", "%s", err)
	}
	if _, err := parseKeyUsages(d.KeyUsage); err != nil {
		c.report(i, "keyUsage", "%s", err)
	}
	if _, err := parseUsages(d.Usage); err != nil {
		c.report(i, "usage", "%s", err)
	}
	for _, name := range d.DNS {
		if !isHostName(name) {
			c.report(i, "dns", "%q is not a host name", clip(name))
		}
	}
	for _, address := range d.IP {
		if net.ParseIP(address) == nil {
			c.report(i, "ip", "%q is not an IP address", clip(address))
		}
	}
	for _, address := range d.Email {
		if !isMailAddress(address) {
			c.report(i, "email", "%q is not a mail address", clip(address))
		}
	}
	for _, uri := range d.URI {
		if !isURI(uri) {
			c.report(i, "uri", "%q is not a URI, expected one such as urn:example:warehouse", clip(uri))
		}
	}
	for _, one := range [...]struct {
		field     string
		addresses []string
	}{{"crl", d.CRL}, {"ocsp", d.OCSP}, {"caIssuers", d.CAIssuers}} {
		if err := checkAddresses(one.addresses); err != nil {
			c.report(i, one.field, "%s", err)
		}
	}
	c.extensions(i)
	c.export(i)
	if _, err := parseSerial(d.Serial); err != nil {
		c.report(i, "serial", "%s", err)
	}
	if d.PathLen != nil && *d.PathLen < 0 {
		c.report(i, "pathLen", "found %d, expected 0 or more", *d.PathLen)
	}
	// The order of two fixed or two relative dates does not depend on the clock.
	if a, b := d.NotBefore, d.NotAfter; !a.IsZero() && !b.IsZero() && a.IsRelative() == b.IsRelative() {
		if now := time.Unix(0, 0); !a.At(now).Before(b.At(now)) {
			c.report(i, "notAfter", "%s is not after notBefore %s", b, a)
		}
	}
}

// contradictions checks fields against each other.
func (c *checker) contradictions(i int) {
	d := c.all[i]
	given := d.given()
	forbid := func(with, why string, fields ...string) {
		for _, field := range fields {
			if given[field] {
				c.report(i, field, "does not go with %s: %s", with, why)
			}
		}
	}
	if d.File != "" {
		forbid("file", "the certificate is taken as it is", "subject", "like", "defect", "key", "keyUsage",
			"usage", "dns", "ip", "email", "uri", "crl", "ocsp", "caIssuers", "extensions", "notBefore", "notAfter", "validFor", "crossSigns", "serial", "pathLen")
	}
	if d.CrossSigns != "" {
		forbid("crossSigns", "subject, key and purpose are those of the other entry", "subject", "like",
			"ca", "key", "keyFile", "keyUsage", "usage", "dns", "ip", "email", "uri")
		if d.Issuer == "" {
			c.report(i, "issuer", "expected the CA that cross-signs %q", clip(d.CrossSigns))
		}
		return
	}
	if d.KeyFile != "" {
		forbid("keyFile", "the key is taken as it is", "key")
	}
	if !d.NotAfter.IsZero() {
		forbid("notAfter", "one of the two gives the end", "validFor")
	}
	isCA := c.isCA(i)
	switch {
	case d.Like != "" && d.CA && !isCA:
		c.report(i, "ca", "%q is not a CA, so nothing like it is one", clip(d.Like))
	case isCA:
		forbid("ca", "a CA has neither usage nor names of hosts", "usage", "dns", "ip", "email", "uri")
	default:
		forbid("a leaf", "only a CA (ca: true) has a path length", "pathLen")
	}
	dangling := c.all[c.origin(i)].Like != "" // reported where it stands
	if !isCA && !dangling && d.File == "" && c.issuer(i) == "" && c.inheritedDefect(i) != "self-signed" {
		c.report(i, "issuer", "expected the name of a CA; write \"ca: true\" for a root, or \"defect: self-signed\"")
	}
}

// given tells which fields have a value.
func (d Description) given() map[string]bool {
	return map[string]bool{
		"subject": d.Subject != "", "issuer": d.Issuer != "", "like": d.Like != "",
		"defect": d.Defect != "", "ca": d.CA, "key": d.Key != "", "usage": d.Usage != nil,
		"dns": d.DNS != nil, "ip": d.IP != nil, "notBefore": !d.NotBefore.IsZero(),
		"notAfter": !d.NotAfter.IsZero(), "validFor": !d.ValidFor.IsZero(),
		"crossSigns": d.CrossSigns != "", "serial": d.Serial != "", "pathLen": d.PathLen != nil,
		"file": d.File != "", "keyFile": d.KeyFile != "",
		"keyUsage": d.KeyUsage != nil, "email": d.Email != nil, "uri": d.URI != nil, "crl": d.CRL != nil,
		"ocsp": d.OCSP != nil, "caIssuers": d.CAIssuers != nil, "extensions": d.Extensions != nil,
	}
}

// defect checks that the certificate can have the defect, its own or the one of the entry that it
// is like. There must be no circles.
func (c *checker) defect(i int) {
	field, id := "defect", c.all[i].Defect
	if id == "" {
		field, id = "like", c.inheritedDefect(i)
	}
	if id == "" {
		return
	}
	d, err := defectByID(id)
	if err != nil {
		if field == "defect" { // else it is reported where it stands
			c.report(i, field, "%s", err)
		}
		return
	}
	own := template{kind: leafKind}
	issuer := c.issuer(i)
	if c.isCA(i) {
		own.kind = intermediateKind
		if issuer == "" {
			own.kind = rootKind
		}
	}
	if issuer != "" {
		above, known := c.index[issuer]
		if !known {
			return // reported where it stands
		}
		own.issuer = &Certificate{}
		if c.issuer(above) != "" {
			own.issuer.issuer = &Certificate{}
		}
	}
	if _, err := d.levelFor(own); err != nil {
		c.report(i, field, "%s", err)
	}
}

// parseSerial reads a serial number; nil if the text is empty.
func parseSerial(text string) (*big.Int, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) <= 60 {
		digits, base := text, 10
		if hex, found := strings.CutPrefix(strings.ToLower(text), "0x"); found {
			digits, base = hex, 16
		}
		n, ok := new(big.Int).SetString(digits, base)
		if ok && n.Sign() > 0 && n.BitLen() <= 159 {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%q: expected a positive number of 159 bits at most, decimal or 0x and hexadecimal", clip(text))
}
