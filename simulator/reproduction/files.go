package reproduction

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"example.com/gatehouse/simulator"
)

// The files of a folder.
const (
	LandscapeName = "landscape.yaml"
	MendedName    = "mended.yaml"
	FeatureName   = "reproduction.feature"
	ReadmeName    = "README.md"
	// ManifestName holds the cause, what the evidence shows, and the hashes of the other files.
	ManifestName = "reproduction.json"
)

// File is a file of the folder.
type File struct {
	Name string
	Data []byte
}

// manifest is the file of that name.
type manifest struct {
	Schema string `json:"schema"`
	Cause  string `json:"cause"`
	// Shows is what the evidence shows, to be compared with what the landscape does.
	Shows Shown `json:"shows"`
	// Files are the SHA-256 of the other files, in hex.
	Files map[string]string `json:"files"`
}

const manifestSchema = "gatehouse.reproduction/1"

// Files makes the files, the manifest last.
func (r *Reproduction) Files() ([]File, error) {
	broken, err := r.document(r.Broken, "The landscape in which the call fails. "+MendedName+" is the same without the cause: compare the two.")
	if err != nil {
		return nil, err
	}
	mended, err := r.document(r.Mended, "The landscape of "+LandscapeName+", mended: the call is let in.")
	if err != nil {
		return nil, err
	}
	files := []File{{LandscapeName, broken}, {MendedName, mended}, {FeatureName, r.Feature()}, {ReadmeName, r.readme(string(broken), string(mended))}}
	m := manifest{Schema: manifestSchema, Cause: r.Known.Cause.ID, Shows: r.Shows(), Files: map[string]string{}}
	for _, f := range files {
		m.Files[f.Name] = hashOf(f.Data)
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", ManifestName, err)
	}
	return append(files, File{ManifestName, append(data, '\n')}), nil
}

// document writes a landscape, and reads it again: what is in the folder works.
func (r *Reproduction) document(l simulator.Landscape, about string) ([]byte, error) {
	data, err := l.YAML()
	if err != nil {
		return nil, err
	}
	text := string(data)
	for name, fields := range r.none {
		if d := entry(&l, name); d.Defect != "" {
			continue
		}
		// An empty list means that there is no such extension; none at all would be the default.
		line := regexp.MustCompile(`(?m)^(\s*)- name: ` + regexp.QuoteMeta(name) + `$`)
		if at := line.FindStringSubmatchIndex(text); at != nil {
			indent := text[at[2]:at[3]] + "  "
			add := ""
			for _, f := range fields {
				add += "\n" + indent + f + ": []"
			}
			text = text[:at[1]] + add + text[at[1]:]
		}
	}
	text = "# Made by \"gatehouse reproduce\". " + about + "\n# Names are as in README.md; keys are minted anew with each start and protect nothing.\n" + text
	if _, err := simulator.Read(LandscapeName, []byte(text)); err != nil {
		return nil, fmt.Errorf("the landscape that was written cannot be read again: %w", err)
	}
	return []byte(text), nil
}

// difference lists the lines that only one of two texts has, as diff does; both are short.
func difference(a, b string) []string {
	x, y := strings.Split(strings.TrimRight(a, "\n"), "\n"), strings.Split(strings.TrimRight(b, "\n"), "\n")
	// longest[i][j] is the length of the longest common part of x[i:] and y[j:].
	longest := make([][]int, len(x)+1)
	for i := range longest {
		longest[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			i, j = i+1, j+1
		case i < len(x) && (j == len(y) || longest[i+1][j] >= longest[i][j+1]):
			out = append(out, "- "+x[i])
			i++
		default:
			out = append(out, "+ "+y[j])
			j++
		}
	}
	return out
}
