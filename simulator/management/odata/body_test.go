package odata

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const entry = `<?xml version="1.0"?><entry xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"><title>x</title><content type="application/xml"><m:properties>PROPERTIES</m:properties></content></entry>`

func TestBody(t *testing.T) {
	want := Body{"Id": "a", "Owner": "O'Neill <&>", "Size": "5"}
	for name, row := range map[string][2]string{
		"json":       {"application/json", `{"Id":"a","Owner":"O'Neill <&>","Secret":null,"Size":"5"}`},
		"no type":    {"", `{"Id":"a","Owner":"O'Neill <&>","Size":5}`},
		"wrapped":    {"application/json;charset=utf-8", `{"d":{"__metadata":{"id":"x"},"Id":"a","Owner":"O'Neill <&>","Size":"5","Labels":{"__deferred":{}},"Note":{"By":"x"}}}`},
		"atom":       {"application/atom+xml;type=entry", strings.Replace(entry, "PROPERTIES", `<d:Id>a</d:Id><d:Owner>O'Neill &lt;&amp;&gt;</d:Owner> <d:Size>5</d:Size><d:Secret m:null="true"/>`, 1)},
		"atom cdata": {"application/xml", strings.Replace(entry, "PROPERTIES", `<d:Id>a</d:Id><d:Owner><![CDATA[O'Neill <&>]]></d:Owner><d:Size>5</d:Size>`, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadBody([]byte(row[1]), row[0], parcelType)
			require.Nil(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestBodyThatIsRefused(t *testing.T) {
	atom := func(properties string) string { return strings.Replace(entry, "PROPERTIES", properties, 1) }
	for name, row := range map[string]struct {
		contentType, body string
		status            int
		message           string
	}{
		"empty":            {"", " ", 400, "The body is empty, expected a Parcel"},
		"form":             {"application/x-www-form-urlencoded", "Id=a", 415, "expected application/json"},
		"type unreadable":  {";;", "{}", 415, "expected application/json"},
		"no object":        {"", `["Id"]`, 400, "no object of JSON"},
		"cut":              {"", `{"Id":"a"`, 400, "no object of JSON"},
		"more behind it":   {"", `{"Id":"a"} {}`, 400, "Something is behind"},
		"unknown":          {"", `{"Id":"a","Colour":"red"}`, 400, `no property "Colour"`},
		"twice":            {"", `{"Id":"a","Id":"b"}`, 400, `"Id" twice`},
		"number":           {"", `{"Id":5}`, 400, `Found 5 for the property "Id", expected Edm.String`},
		"object":           {"", `{"Owner":{"a":1}}`, 400, `for the property "Owner"`},
		"many":             {"", "{" + manyMembers() + "}", 400, "more than 64"},
		"xml unreadable":   {"application/xml", "<entry", 400, "its XML cannot be read"},
		"not an entry":     {"application/xml", "<feed/>", 400, "outermost element"},
		"doctype":          {"application/xml", `<!DOCTYPE x [<!ENTITY e "v">]>` + entry, 400, "document type"},
		"entity":           {"application/xml", atom("<d:Id>&e;</d:Id>"), 400, "its XML cannot be read"},
		"element within":   {"application/xml", atom("<d:Id><b/></d:Id>"), 400, "elements within"},
		"property twice":   {"application/xml", atom("<d:Id>a</d:Id><d:Id>b</d:Id>"), 400, "twice"},
		"unknown in atom":  {"application/xml", atom("<d:Colour>a</d:Colour>"), 400, `no property "Colour"`},
		"too many in atom": {"application/xml", atom(strings.Repeat("<d:Id/>", 300)), 400, "twice"},
		"only a comment":   {"application/xml", "<!-- -->", 400, "ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadBody([]byte(row.body), row.contentType, parcelType)
			require.NotNil(t, err)
			assert.Equal(t, row.status, err.Status, err.Message)
			assert.Contains(t, err.Message, row.message)
		})
	}
}

func manyMembers() string {
	var parts []string
	for i := range 65 {
		parts = append(parts, `"a`+strings.Repeat("x", i)+`":1`)
	}
	return strings.Join(parts, ",")
}

func FuzzBody(f *testing.F) {
	f.Add(`{"d":{"Id":"a"}}`, "application/json")
	f.Add(strings.Replace(entry, "PROPERTIES", "<d:Id>a</d:Id><d:Note><d:By/></d:Note>", 1), "application/atom+xml")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		got, err := ReadBody([]byte(body), contentType, parcelType)
		if err != nil {
			return
		}
		for name := range got {
			if _, ok := parcelType.property(name); !ok {
				t.Fatalf("%q is no property", name)
			}
		}
	})
}
