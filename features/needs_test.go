package features_test

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/features"
	"example.com/gatehouse/steps"
	"example.com/gatehouse/steps/target"
)

// need is what the steps of a scenario, or of a row of an outline, need of a target.
type need struct {
	file, name string
	line       int64 // of the scenario's keyword
	tagged     []string
	needed     []string
}

// needs reads the scenarios and asks each step.
func needs(t *testing.T) []need {
	t.Helper()
	var out []need
	err := fs.WalkDir(features.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(features.FS(), path)
		if err != nil {
			return err
		}
		ids := (&messages.Incrementing{}).NewId
		doc, err := gherkin.ParseGherkinDocument(bytes.NewReader(data), ids)
		if err != nil {
			return err
		}
		lines := map[string]int64{}
		for _, child := range doc.Feature.Children {
			if child.Scenario != nil {
				lines[child.Scenario.Id] = child.Scenario.Location.Line
			}
		}
		for _, p := range gherkin.Pickles(*doc, path, ids) {
			n := need{file: path, name: p.Name, line: lines[p.AstNodeIds[0]]}
			for _, tag := range p.Tags {
				if feature, ok := strings.CutPrefix(tag.Name, "@"+target.TagPrefix); ok {
					n.tagged = append(n.tagged, feature)
				}
			}
			for _, step := range p.Steps {
				features, understood := steps.Needs(step.Text)
				assert.True(t, understood, "%s: nothing understands %q", path, step.Text)
				n.needed = append(n.needed, features...)
			}
			slices.Sort(n.tagged)
			slices.Sort(n.needed)
			n.tagged, n.needed = slices.Compact(n.tagged), slices.Compact(n.needed)
			out = append(out, n)
		}
		return nil
	})
	require.NoError(t, err)
	return out
}

// GATEHOUSE_TAGS=write writes the tags of new scenarios.
//
// The tags of a scenario say exactly what its steps need of a target: one too few, and a target that
// cannot do it fails; one too many, and a target that can does not run it.
func TestTagsSayWhatScenariosNeed(t *testing.T) {
	type key struct {
		file string
		line int64
	}
	all := map[key]need{} // an outline needs what any of its rows needs
	for _, n := range needs(t) {
		k := key{n.file, n.line}
		n.needed = append(n.needed, all[k].needed...)
		slices.Sort(n.needed)
		n.needed = slices.Compact(n.needed)
		all[k] = n
	}
	if os.Getenv("GATEHOUSE_TAGS") == "write" {
		for k, n := range all {
			writeTags(t, k.file, k.line, n.needed)
		}
		t.Log("the tags are written; run the test again")
		return
	}
	anywhere := 0
	for k, n := range all {
		for _, f := range n.tagged {
			assert.True(t, target.Known(f), "%s:%d: there is no feature %q", k.file, k.line, f)
		}
		assert.Equal(t, tags(n.needed), tags(n.tagged), "%s:%d %s: GATEHOUSE_TAGS=write go test ./features -run TestTags writes what stands first", k.file, k.line, n.name)
		if len(n.needed) == 0 {
			anywhere++
		}
	}
	assert.GreaterOrEqual(t, anywhere, 10, "scenarios that need nothing but a URL")
}

// writeTags puts the tags of a scenario into the line before its others. Lines of other scenarios must
// not move meanwhile, so it only replaces or, where there is none yet, says what to write.
func writeTags(t *testing.T, file string, line int64, features []string) {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	text := strings.Split(string(data), "\n")
	first := int(line) - 1
	for first > 0 && strings.HasPrefix(strings.TrimSpace(text[first-1]), "@") {
		first--
	}
	want := "  " + tags(features)
	switch has := strings.HasPrefix(strings.TrimSpace(text[first]), "@"+target.TagPrefix); {
	case has && text[first] != want:
		text[first] = want
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(text, "\n")), 0o644))
	case !has && len(features) > 0:
		t.Errorf("%s:%d: put the line %q before the scenario", file, first+1, want)
	}
}

func tags(features []string) string {
	var out []string
	for _, f := range features {
		out = append(out, "@"+target.TagPrefix+f)
	}
	return strings.Join(out, " ")
}
