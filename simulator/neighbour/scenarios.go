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
	return []ScenarioDifference{}
}
