package steps_test

import (
	"strings"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"

	"example.com/gatehouse/steps"
)

// try runs one scenario on the embedded simulator and returns what was printed, and whether it passed.
func try(t *testing.T, scenario string) (string, bool) {
	t.Helper()
	var out strings.Builder
	status := godog.TestSuite{
		Name: t.Name(), ScenarioInitializer: steps.Register,
		Options: &godog.Options{
			Format: "pretty", Output: &out, Strict: true, NoColors: true,
			FeatureContents: []godog.Feature{{Name: "my.feature", Contents: []byte("Feature: mine\n  Scenario: one\n" + scenario)}},
		},
	}.Run()
	return out.String(), status == 0
}

// What the bundled suite does not say, users can: each step does what it says, and a Then that is not
// true fails with what was found.
func TestStepsBeyondTheBundledSuite(t *testing.T) {
	good := `    Given a sender "warehouse" that is let in
    When "warehouse" calls
`
	for name, c := range map[string]struct{ scenario, differs string }{
		"not let in":       {good + `    Then the call is not let in`, "a call that is not let in"},
		"refused":          {"    Given a sender \"stranger\" without a certificate\n    When \"stranger\" calls\n    Then the call is not let in", ""},
		"no such header":   {good + `    Then the response does not have the header "X-CSRF-Token"`, ""},
		"such a header":    {good + `    Then the response does not have the header "Content-Type"`, "no header Content-Type"},
		"server's name":    {good + `    Then the load balancer presents a certificate for "e100999-iflmap.hcisbt.eu1.hana.ondemand.com"`, ""},
		"another name":     {good + `    Then the load balancer presents a certificate for "orders.example"`, "a certificate for orders.example"},
		"a body":           {good + "    When \"warehouse\" calls with the body \"12345\"\n    Then the access log shows 5 bytes", ""},
		"sent":             {good + `    Then the certificate is sent`, ""},
		"not sent":         {"    Given a sender \"stranger\" without a certificate\n    When \"stranger\" calls\n    Then the certificate is sent", "a certificate request that was answered"},
		"expires":          {"    Given a sender \"shop\" whose certificate is valid for 30 days\n    When 31 days pass\n    And \"shop\" calls\n    Then the call is refused at the load balancer with verify result 10", ""},
		"not yet":          {"    Given a sender \"shop\" whose certificate is valid for 30 days\n    When 29 days pass\n    And \"shop\" calls\n    Then the call is refused at the channel authorization because of \"not-mapped\"", ""},
		"not renewed":      {good + `    Then the former certificate of "warehouse" is no longer mapped`, "was not renewed"},
		"another role":     {good + "    Given the channel \"/http/orders\" is changed to demand the role \"Orders.send\"\n    When \"warehouse\" calls\n    Then the call is let in as \"WAREHOUSE\"\n    When the flow of \"/http/orders\" is deployed with a downtime of 1 second\n    And 2 seconds pass\n    And \"warehouse\" calls\n    Then the call is refused at the channel authorization because of \"role-missing\"", ""},
		"no document":      {`    Then the landscape is accepted`, "gives no landscape document"},
		"no document, too": {`    Then the landscape is refused with "x"`, "gives no landscape document"},
		"unknown defect":   {good + `    When "warehouse" calls with a certificate that has the defect "expird"`, "expired"},
		"unknown phrase":   {good + `    When "warehouse" calls withot a certificate`, `did you mean "without a certificate"?`},
	} {
		out, passed := try(t, c.scenario)
		assert.Equal(t, c.differs == "", passed, "%s: %s", name, out)
		assert.Contains(t, out, c.differs, name)
	}
}

const own = `    Given a landscape:
      """
      pki:
        - {name: my-root, ca: true}
        - {name: my-issuing, issuer: my-root, ca: true}
        - {name: till, issuer: my-issuing, usage: [clientAuth]}
      loadBalancer: {trust: [my-root]}
      channels:
        - {address: /http/sales, csrfProtected: false}
      mappings:
        - {certificate: till, user: TILL}
      roles:
        - {user: TILL, role: ESBMessaging.send}
      senders:
        - {name: till, certificate: till}
        - {name: till-alone, certificate: till, sends: leaf-only}
      """
`

// A scenario may bring its own landscape, with its own senders; minted ones stand beside them.
func TestOwnLandscape(t *testing.T) {
	out, passed := try(t, own+`    And the sender "till" of the document
    And the sender "till-alone" of the document
    When "till" calls "/http/sales"
    Then the call is let in as "TILL"
    When "till-alone" calls "/http/sales"
    Then the call is refused at the load balancer with verify result 20
    Given a sender "warehouse" that is let in at "/http/sales"
    When "warehouse" calls "/http/sales"
    Then the call is let in as "WAREHOUSE"
    Given a channel "/http/returns" that demands the role "Returns.send"
    When "till" calls "/http/returns"
    Then the call is refused at the channel authorization because of "role-missing"
`)
	assert.True(t, passed, out)

	out, passed = try(t, own+"    And the sender \"tll\" of the document\n")
	assert.False(t, passed)
	assert.Contains(t, out, `did you mean "till"?`)
	out, passed = try(t, "    Given a tenant with 2 runtime nodes\n"+own+"    And the sender \"till\" of the document\n")
	assert.False(t, passed, "the scenario must not describe its landscape twice")
	assert.Contains(t, out, "write everything into the document")
}
