// Package features holds the bundled suite: one folder a station, the field cases, and the
// catalogue of requirements that the scenarios prove. The features are embedded, so that the
// command carries them along. There is no logic here but reading the catalogue.
package features

import (
	"embed"
	"fmt"

	"github.com/goccy/go-yaml"
)

//go:embed */*.feature
var files embed.FS

//go:embed requirements.yaml
var requirements []byte

// FS holds the feature files.
func FS() embed.FS { return files }

// Requirement is one rule of the inbound path.
type Requirement struct {
	// ID is the requirement's id, "LB-3"; scenarios carry it as a tag.
	ID string `yaml:"id" json:"id"`
	// Station is where on the way of a call the rule is kept.
	Station string `yaml:"station" json:"station"`
	// Mark says how far the rule is known: confirmed, inferred, conflicting or choice.
	Mark string `yaml:"mark" json:"mark"`
	// Source says where the rule comes from.
	Source string `yaml:"source" json:"source"`
	// Sentence is the rule.
	Sentence string `yaml:"sentence" json:"sentence"`
	// Why gives the reason for a rule that is not confirmed.
	Why string `yaml:"why,omitempty" json:"why,omitempty"`
}

// Requirements reads the catalogue, in its order.
func Requirements() ([]Requirement, error) {
	var out []Requirement
	if err := yaml.UnmarshalWithOptions(requirements, &out, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the requirement catalogue: %w", err)
	}
	return out, nil
}
