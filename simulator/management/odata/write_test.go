package odata

import (
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// update writes the golden files anew: go test ./simulator/management/odata -update
var update = flag.Bool("update", false, "write the golden files anew")

// golden compares an answer with the file of that name.
func golden(t *testing.T, name string, a Answer) {
	t.Helper()
	if strings.HasSuffix(name, ".json") {
		assert.True(t, json.Valid(a.Body), "%s", a.Body)
	} else {
		assert.NoError(t, xml.Unmarshal(a.Body, new(struct{})), "%s", a.Body)
	}
	got := a.ContentType + "\n" + strings.ReplaceAll(strings.ReplaceAll(string(a.Body), "><", ">\n<"), `},"`, "},\n\"") + "\n"
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), got)
}

func service(t *testing.T, format Format, query string) Service {
	o, err := ParseOptions(query, resource(t, "Parcels"), false, nil)
	require.Nil(t, err)
	return Service{Model: model, Base: "https://tmn.example:443/api/v1/", Format: format, Options: o, Now: sent}
}

func TestGoldenAnswers(t *testing.T) {
	for format, ending := range map[Format]string{Atom: ".xml", JSON: ".json"} {
		golden(t, "feed"+ending, service(t, format, "$inlinecount=allpages").Entities(parcelType, parcels(), 3))
		golden(t, "expanded"+ending, service(t, format, "$expand=Labels,First&$select=Id,Labels,First").Entities(parcelType, parcels()[:2], 2))
		golden(t, "empty"+ending, service(t, format, "").Entities(parcelType, nil, 0))
		golden(t, "entry"+ending, service(t, format, "").Entity(201, parcelType, parcels()[1]))
		golden(t, "property"+ending, service(t, format, "").Property(&parcelType.Properties[1], parcels()[1]))
		golden(t, "complex"+ending, service(t, format, "").Property(&parcelType.Properties[9], parcels()[1]))
		golden(t, "services"+ending, service(t, format, "").Document())
		golden(t, "links"+ending, service(t, format, "").Links(&parcelType.Navigations[0], Entities(parcels()[0].(parcel).labels)))
		golden(t, "link"+ending, service(t, format, "").Links(&parcelType.Navigations[1], Entities(parcels()[0].(parcel).labels[:1])))
		golden(t, "error"+ending, ErrorAnswer(Errorf(404, `no "<%s>"`, "x"), format))
	}
	golden(t, "metadata.xml", service(t, JSON, "").Metadata())
}

func TestLocationOfWhatWasMade(t *testing.T) {
	a := service(t, JSON, "").Entity(201, parcelType, parcels()[1])
	assert.Equal(t, 201, a.Status)
	assert.Equal(t, "https://tmn.example:443/api/v1/Parcels(Id='b',Owner='O''Neill')", a.Location)
	path, _ := strings.CutPrefix(a.Location, "https://tmn.example:443/api/v1/")
	assert.Equal(t, "O'Neill", resource(t, path).Key.Get("Owner"))
}

// What is in a location leads back to the entity.
func TestKeysComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		location := Location("", labelType, label{name: name})
		r, err := model.ParsePath(location)
		if len(location) > maxPath {
			return
		}
		require.Nil(t, err, location)
		assert.Equal(t, name, r.Key.Get("Name"), location)
	})
}

func TestBareValues(t *testing.T) {
	p := parcels()[0]
	for name, want := range map[string]string{"Id": "a", "Size": "30", "Urgent": "true", "Sent": "2021-04-12T00:00:03.25", "SentAt": "2021-04-12T00:00:03.25Z", "Content": "\x01\x02"} {
		property, _ := parcelType.property(name)
		a, err := Value(property, p)
		require.Nil(t, err)
		assert.Equal(t, want, string(a.Body), name)
	}
	property, _ := parcelType.property("Secret")
	_, err := Value(property, p)
	assert.Equal(t, NotFound(), err)
	assert.Equal(t, "12", string(Number(12).Body))
}

func TestStringsOfJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })).Draw(t, "s")
		var got string
		require.NoError(t, json.Unmarshal(appendString(nil, s), &got))
		assert.Equal(t, string([]rune(s)), got) // each byte that is no UTF-8 becomes U+FFFD
	})
}

func TestTextsOfXML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		w := &writer{}
		w.element("a", s)
		var got string
		require.NoError(t, xml.Unmarshal(w.out, &got))
		assert.Equal(t, utf8.RuneCountInString(s), utf8.RuneCountInString(got))
	})
}
