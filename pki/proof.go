package pki

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki/verify"
)

// prove makes sure that a certificate has the defect that it was given, and only that: it makes
// the good twin, which costs one signature, and compares the two part by part; then it verifies
// both. What the caller has asked for beside the defect can make the good twin fail as well; then
// nothing is said of the verdict.
func (c *Certificate) prove() error {
	twin, err := c.goodTwin()
	if err != nil {
		return fmt.Errorf("making the good twin: %w", err)
	}
	now := c.now()
	good, err := c.isGood(twin, now)
	if err != nil {
		return err
	}
	if err := c.differsInDefect(twin, good); err != nil {
		return fmt.Errorf("the defect could not be proved: %w", err)
	}
	if !good {
		return nil
	}
	if err := c.failsByDefect(twin, now); err != nil {
		return fmt.Errorf("the defect could not be proved: %w", err)
	}
	return nil
}

// goodTwin is the certificate without the defect. Only its public part is of use: its key is that
// of the defective one, or of the issuer if the key is the defect. Nil for a leaf that has no
// issuer, whose good twin nobody could sign.
func (c *Certificate) goodTwin() (*Certificate, error) {
	t := c.plan.clone()
	if t.issuer == nil && t.kind != rootKind {
		return nil, nil
	}
	key := c.key
	if c.defect.Group == Keys && t.issuer != nil {
		key = t.issuer.key
	}
	if t.kind == leafKind && t.keyUsage != 0 {
		t.fixUsage()
	}
	if t.serial == nil {
		t.serial = new(big.Int).Lsh(big.NewInt(1), 126)
	}
	der, err := t.sign(nil, key, &source{reader: c.rand})
	if err != nil {
		return nil, err
	}
	return &Certificate{name: c.name, der: der, key: key, issuer: t.issuer, plan: c.plan, now: c.now, rand: c.rand}, nil
}

// fixUsage settles the key usage by the type of key that was asked for, whatever key comes.
func (t *template) fixUsage() {
	t.keyUsage = t.keyUsage | t.usageByKey()
	t.raw.fixedUsage = true
}

// isGood tells whether the good twin passes. It does not if the caller has asked for something
// beside the defect that is broken too, or for what the defect does anyway.
func (c *Certificate) isGood(twin *Certificate, now time.Time) (bool, error) {
	if twin == nil {
		return true, nil
	}
	chain, _, err := twin.probe(now)
	if err != nil {
		return false, err
	}
	result, ok := twin.verify(chain, twin.Root(), nil, verify.CRLOff, now)
	return ok && result.OK(), nil
}

// differsInDefect compares with the good twin where the defect is.
func (c *Certificate) differsInDefect(twin *Certificate, good bool) error {
	d := c.defect
	if twin == nil || d.issuers != nil {
		return nil
	}
	broken, whole := c, twin
	if !d.inCertificate() {
		return c.same(twin)
	}
	for level := c.plan.kind.level(); level != d.Level && !(d.Level == AtLeaf && d.alsoCA); {
		broken, whole = broken.issuer, whole.issuer
		if broken == nil || whole == nil {
			return fmt.Errorf("there is no %s", d.Level)
		}
		level = whole.plan.kind.level()
	}
	found, err := broken.differences(whole)
	if err != nil {
		return err
	}
	// The signature differs anyway.
	expected := slices.DeleteFunc(slices.Clone(d.Differs), func(name string) bool { return name == "signatureValue" })
	if d.Group == Keys {
		found = slices.DeleteFunc(found, func(name string) bool { return name == "subjectPublicKeyInfo" })
		expected = slices.DeleteFunc(expected, func(name string) bool { return name == "subjectPublicKeyInfo" })
	}
	for _, name := range found {
		if !slices.Contains(expected, name) {
			return fmt.Errorf("%s differs from the good twin's, expected %s only", name, strings.Join(d.Differs, ", "))
		}
	}
	if len(found) == 0 && len(expected) > 0 && good {
		return fmt.Errorf("nothing differs from the good twin, expected %s", strings.Join(d.Differs, ", "))
	}
	return nil
}

// same makes sure that a certificate whose defect is around it has none itself.
func (c *Certificate) same(twin *Certificate) error {
	found, err := c.differences(twin)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%s differs from the good twin's, expected nothing", strings.Join(found, ", "))
	}
	return err
}

// differences lists the parts in which two certificates differ.
func (c *Certificate) differences(other *Certificate) ([]string, error) {
	read := func(c *Certificate) (map[string]string, error) {
		if c.issuer == nil {
			return parts(c.der, nil)
		}
		return parts(c.der, c.issuer.der)
	}
	mine, err := read(c)
	if err != nil {
		return nil, err
	}
	others, err := read(other)
	if err != nil {
		return nil, err
	}
	return partsThatDiffer(mine, others), nil
}

// failsByDefect verifies the certificate, whose good twin passes.
func (c *Certificate) failsByDefect(twin *Certificate, now time.Time) error {
	d := c.defect
	switch {
	case c.plan.kind == rootKind && d.Level != AtRoot:
		return nil // of a root's own signature nobody says anything
	case c.plan.kind != leafKind && !d.inCertificate():
		return nil // it shows in the chain of a leaf only
	}
	chain, lowest, err := c.probe(now)
	if err != nil {
		return err
	}
	var crls [][]byte
	check := verify.CRLOff
	if d.NeedsCRL {
		crls, check = lowest.CRLs(), verify.CRLAll
	}
	var root *Certificate
	if twin != nil {
		root = twin.Root()
	}
	result, ok := c.verify(chain, root, crls, check, now)
	if !ok {
		return nil
	}
	return d.compare(result, c.plan.kind == leafKind && (twin == nil || len(twin.path()) == 3))
}

// compare compares a verdict with the catalogue: all of it for a chain of the catalogue's shape,
// else the first code.
func (d *Defect) compare(result verify.Result, sameShape bool) error {
	found := make([]Finding, len(result.Errors))
	for i, e := range result.Errors {
		found[i] = Finding{Code: e.Code, Depth: e.Depth}
	}
	expected := d.Expected()
	if !sameShape {
		// One is enough, at whatever depth.
		if result.Code == d.Code {
			return nil
		}
	} else if slices.Equal(found, expected) && (result.Unreadable != "") == d.Unreadable {
		return nil
	}
	return fmt.Errorf("got %s, expected %s", findings(found), findings(expected))
}

func findings(list []Finding) string {
	if len(list) == 0 {
		return "0"
	}
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = f.String()
	}
	return strings.Join(words, " ")
}

// verify verifies a presented chain against the root of the good one, and the root's twin if the
// defect made one. False if the root itself cannot be read.
func (c *Certificate) verify(chain [][]byte, root *Certificate, crls [][]byte, check verify.CRLCheck, now time.Time) (verify.Result, bool) {
	var trusted [][]byte
	if root != nil {
		trusted = append(trusted, root.der)
		if own := c.Root(); own != root && own.twinOf == root {
			trusted = append(trusted, own.der)
		} else if c.plan.kind == rootKind {
			trusted = [][]byte{c.der}
		}
	}
	list, err := verify.NewTrustList(trusted...)
	if err != nil {
		return verify.Result{}, false
	}
	options := verify.Options{Now: func() time.Time { return now }, CRLs: crls, CRLCheck: check, CacheSize: -1}
	return verify.New(list, options).Verify(chain), true
}

// probe is what a sender would present, and the lowest certificate of that: the certificate's own
// chain, or for a CA that of a leaf below it.
func (c *Certificate) probe(now time.Time) (chain [][]byte, lowest *Certificate, err error) {
	if c.plan.kind == leafKind {
		return c.Presented(), c, nil
	}
	if c.key == nil {
		return nil, nil, errors.New("the private key of the CA is not there")
	}
	lowest = c
	if c.plan.kind == rootKind {
		if lowest, err = c.below(c, intermediateKind, now); err != nil {
			return nil, nil, err
		}
	}
	if lowest, err = c.below(lowest, leafKind, now); err != nil {
		return nil, nil, err
	}
	for _, one := range lowest.presented() {
		chain = append(chain, one.der)
	}
	return chain, lowest, nil
}

// below is a certificate of the kind under a CA, for a verification only.
func (c *Certificate) below(issuer *Certificate, k kind, now time.Time) (*Certificate, error) {
	key, err := generateKey(P256, nil)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	subject, err := commonNameOnly("probe " + string(k.level()))
	if err != nil {
		return nil, err
	}
	t := template{
		kind: k, subject: subject, serial: big.NewInt(1), issuer: issuer,
		notBefore: now.Add(-headStart), notAfter: now.Add(headStart), keyUsage: issuer.plan.keyUsage,
	}
	if k.isCA() {
		t.basicConstraints = &basicConstraints{ca: true, pathLen: -1}
	} else {
		t.keyUsage, t.usages = usageOfLeaf, []string{usageClientAuth}
	}
	der, err := t.sign(nil, key, &source{reader: c.rand})
	if err != nil {
		return nil, fmt.Errorf("making a certificate below it: %w", err)
	}
	return &Certificate{der: der, key: key, issuer: issuer, plan: t, now: c.now, rand: c.rand}, nil
}
