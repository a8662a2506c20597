package neighbour

import "slices"

// ScenarioDifference is a group of scenarios of the bundled suite that do not pass with a neighbour in
// front of the runtime nodes, for one reason.
type ScenarioDifference struct {
	// What they are about.
	What string
	// Scenarios are their names, Tag a tag that all of them carry, "@needs-landscape". Either is given.
	Scenarios []string
	Tag       string
	// Run tells that they are run and come out differently. The others are not run, since what they ask
	// for cannot be done there: they are not supported.
	Run bool
	// Reason says why.
	Reason string
}

// Has tells whether a scenario belongs to the group.
func (d ScenarioDifference) Has(name string, tags []string) bool {
	return slices.Contains(d.Scenarios, name) || d.Tag != "" && slices.Contains(tags, d.Tag)
}

// ScenarioDifferences lists the scenarios of the bundled suite that do not pass with the neighbour in
// front: a test runs the suite so (make container), and fails for one that does not stand here and
// for one that stands here and passes. For nginx nobody has run it, and there is no list.
func ScenarioDifferences(kind Kind) []ScenarioDifference {
	if kind != HAProxy {
		return nil
	}
	return []ScenarioDifference{{
		What:      "A critical extension that is not known",
		Scenarios: []string{"A chain with the defect unknown-critical-extension does not hold"}, Run: true,
		Reason: "HAProxy 2.6 ends the handshake for the codes 32 to 63, although it is told to ignore all",
	}, {
		What: "The alert with which mode require ends the handshake",
		Scenarios: []string{
			"In mode require a certificate without its chain ends the handshake", "In mode require a certificate that has expired ends the handshake",
			"In mode require a certificate for servers only ends the handshake", "In mode require a certificate self-signed ends the handshake",
		}, Run: true,
		Reason: "OpenSSL's alert tells what is wrong (unknown_ca, certificate_expired, unsupported_certificate), Go's crypto/tls sends bad_certificate for all of it; the real alert is not known",
	}, {
		What: "Landscape documents", Tag: "@needs-landscape",
		Reason: "the scenario describes a landscape of its own, most of them only to have it refused before anybody calls; the containers run one that is there before",
	}, {
		What: "The clock", Tag: "@needs-clock",
		Reason: "HAProxy judges certificates by the clock of its machine, which no scenario can move",
	}, {
		What: "The load balancer's trust list", Tag: "@needs-custom-trust",
		Reason: "HAProxy reads its CA bundles when it starts",
	}, {
		What:      "A root that has expired",
		Scenarios: []string{"A chain with the defect root-expired is not accepted"},
		Reason:    "as above: HAProxy would have to trust a root that the scenario makes; the comparison of all defects has it",
	}, {
		What: "Limits and bad connections", Tag: "@needs-limits",
		Reason: "HAProxy reads its limits when it starts, and keeps no record of connections that end before a request",
	}, {
		What:      "That there is no trace file",
		Scenarios: []string{"Without errors there is no trace file", "With the first error there is one", "The trace file that is looked for does not exist, since nothing went wrong"},
		Reason:    "other scenarios have left errors in the trace of the same node",
	}, {
		What: "The calls of the management node", Scenarios: []string{"The management node calls each runtime node"},
		Reason: "it calls through Gatehouse's own load balancer, and by the clock, not when a scenario tells it to",
	}}
}
