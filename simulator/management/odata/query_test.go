package odata

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFilter(t *testing.T) {
	for text, want := range map[string]string{
		"Owner eq 'SHOP'":     "c",
		"Owner ne 'SHOP'":     "ab",
		"'SHOP' eq Owner":     "c",
		"Owner eq 'shop'":     "",
		"Owner eq 'O''Neill'": "b",
		"Owner eq null":       "",
		"Id ne null":          "abc",
		"Sent eq null":        "b",
		"Size eq 10":          "b",
		"Size eq 10L":         "b",
		"Pieces ne 3":         "bc",
		"Urgent":              "a",
		"Urgent eq false":     "bc",
		"Owner eq 'SHOP' or Urgent and Size eq 30":               "ac",
		"(Owner eq 'SHOP' or Urgent) and Size eq 30":             "a",
		"((((Size eq 20))))":                                     "c",
		"startswith(Owner,'SH')":                                 "c",
		"startswith(Owner, 'SH') eq false":                       "ab",
		"startswith(Owner,'SH') ne true":                         "ab",
		"substringof('HOUSE',Owner)":                             "a",
		"substringof(Owner,'WORKSHOP')":                          "c",
		"substringof('x',Owner)":                                 "",
		"Sent eq datetime'2021-04-12T00:00:03.250'":              "a",
		"SentAt eq datetimeoffset'2021-04-12T03:00:03.25+02:00'": "c",
		"Content eq X'0102'":                                     "a",
		"Content eq binary'0102'":                                "a",
		"Id eq 'a' or Id eq 'b' or Id eq 'c'":                    "abc",
		"Id eq 'a' and Id eq 'b' or Id eq 'c'":                   "c",
		"  Id   eq\t'a'  ":                                       "a",
		"Id eq Owner":                                            "",
		"(substringof('a',Id) or substringof('b',Id))":           "ab",
	} {
		t.Run(text, func(t *testing.T) {
			f, err := ParseFilter(text, parcelType)
			require.Nil(t, err)
			got, _ := Options{Filter: f, Top: -1}.Apply(parcels())
			assert.Equal(t, want, ids(got))
		})
	}
}

func TestFilterThatIsRefused(t *testing.T) {
	for text, want := range map[string]struct {
		status  int
		message string
	}{
		"":                             {400, "It ends where a property"},
		"Owner":                        {400, "It ends where eq or ne is expected"},
		"Owner eq":                     {400, "It ends where a property"},
		"Owner eq 'SHOP":               {400, "quote at position 10 is not closed"},
		"Owner = 'SHOP'":               {400, `Found "= 'SHOP'" at position 7`},
		"Owner eq 'a' 'b'":             {400, `Found "'b'" at position 14, expected and, or`},
		"Owner eq 'a' and":             {400, "It ends where"},
		"(Owner eq 'a'":                {400, `It ends where ")" is expected`},
		"Owner eq 'a')":                {400, `Found ")" at position 13`},
		"owner eq 'a'":                 {400, `Parcel has no property "owner", at position 1`},
		"Owner eq 5":                   {400, "Owner (Edm.String) and a value of type Edm.Int64 cannot be compared"},
		"Size eq '5'":                  {400, "cannot be compared"},
		"Size eq 5x":                   {400, `Found "5x" at position 9, expected a whole number`},
		"Size eq 99999999999999999999": {400, "expected a whole number"},
		"Sent eq datetime'yesterday'":  {400, "no value of that type"},
		"Urgent eq startswith(Id,'a')": {400, "compared with true or false only"},
		"startswith(Owner,5)":          {400, "takes strings"},
		"startswith(Owner)":            {400, `expected ","`},
		"startsWith(Owner,'a')":        {400, `There is no function "startsWith"`},
		"Size gt 5":                    {501, `The operator "gt" is not supported`},
		"not Urgent":                   {501, `The operator "not" is not supported`},
		"endswith(Owner,'a')":          {501, `The function "endswith" is not supported`},
		"tolower(Owner) eq 'a'":        {501, `The function "tolower"`},
		"Secret eq 'a'":                {501, `cannot be filtered by "Secret", only by Id, Owner`},
		"Note/By eq 'a'":               {501, `The path "Note/By"`},
		"Owner eq 'a'; drop":           {400, `Found ';'`},
		strings.Repeat("(", 17) + "Urgent" + strings.Repeat(")", 17): {400, "nested more than 16 deep"},
		"Urgent" + strings.Repeat(" or Urgent", 200):                 {400, "more than 200 comparisons"},
		"Id eq '" + strings.Repeat("a", 5000) + "'":                  {400, "5008 bytes, expected 4096 at most"},
	} {
		t.Run(clip(text), func(t *testing.T) {
			_, err := ParseFilter(text, parcelType)
			require.NotNil(t, err)
			assert.Equal(t, want.status, err.Status, err.Message)
			assert.Contains(t, err.Message, want.message)
			assert.True(t, strings.HasPrefix(err.Message, "$filter"))
		})
	}
}

// A filter that is made of a tree says what the tree says.
func TestFilterMeansWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, holds := drawCondition(t, 4)
		f, err := ParseFilter(text, parcelType)
		require.Nil(t, err, text)
		for _, e := range parcels() {
			assert.Equal(t, holds(e.(parcel)), f.Match(e), text)
		}
	})
}

func drawCondition(t *rapid.T, depth int) (string, func(parcel) bool) {
	if depth > 0 && rapid.Bool().Draw(t, "joined") {
		left, l := drawCondition(t, depth-1)
		right, r := drawCondition(t, depth-1)
		if rapid.Bool().Draw(t, "or") {
			return "(" + left + " or " + right + ")", func(p parcel) bool { return l(p) || r(p) }
		}
		return "(" + left + " and " + right + ")", func(p parcel) bool { return l(p) && r(p) }
	}
	value := rapid.SampledFrom([]string{"a", "b", "", "O'Neill", "SHOP", "S"}).Draw(t, "value")
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return "Owner eq " + quoted, func(p parcel) bool { return p.owner == value }
	case 1:
		return "Id ne " + quoted, func(p parcel) bool { return p.id != value }
	case 2:
		return "startswith(Owner," + quoted + ")", func(p parcel) bool { return strings.HasPrefix(p.owner, value) }
	}
	return "substringof(" + quoted + ",Owner)", func(p parcel) bool { return strings.Contains(p.owner, value) }
}

func resource(t *testing.T, path string) Resource {
	t.Helper()
	r, err := model.ParsePath(path)
	require.Nil(t, err, path)
	return r
}

func TestOptions(t *testing.T) {
	for query, want := range map[string]string{
		"":                                  "abc 3",
		"$top=1":                            "a 3",
		"$top=0":                            " 3",
		"$skip=1":                           "bc 3",
		"$skip=7&$top=2":                    " 3",
		"$orderby=Size":                     "bca 3",
		"$orderby=Size+desc":                "acb 3",
		"$orderby=Urgent,Size%20desc":       "cba 3",
		"$orderby=Sent asc&$top=2&$skip=1":  "ac 3",
		"$filter=Size+ne+20&$top=1":         "a 2",
		"%24filter=Owner%20eq%20%27SHOP%27": "c 1",
	} {
		o, err := ParseOptions(query, resource(t, "Parcels"), false, nil)
		require.Nil(t, err, query)
		given := parcels()
		got, count := o.Apply(given)
		assert.Equal(t, want, fmt.Sprint(ids(got), " ", count), query)
		assert.Equal(t, "abc", ids(given), "what was given is not changed")
	}
}

func TestSelectMayBeRepeated(t *testing.T) {
	o, err := ParseOptions("$select=Id&$select=Owner,Size&$select=Id", resource(t, "Parcels"), false, nil)
	require.Nil(t, err)
	assert.Equal(t, []string{"Id", "Owner", "Size"}, o.Select)
	o, err = ParseOptions("$select=*", resource(t, "Parcels"), false, nil)
	require.Nil(t, err)
	assert.Len(t, o.Select, len(parcelType.Properties))
}

func TestOptionsThatAreRefused(t *testing.T) {
	for query, want := range map[string]struct {
		status  int
		message string
	}{
		"$top=-1":                         {400, `Found $top="-1", expected a whole number from 0`},
		"$top=%2B1":                       {400, "$top"},
		"$skip=x":                         {400, `$skip="x"`},
		"$top=1&$top=2":                   {400, `"$top" is given more than once`},
		"$inlinecount=all":                {400, "expected allpages or none"},
		"$select=Colour":                  {400, `no property "Colour"`},
		"$select=":                        {400, `no property ""`},
		"$select=Note/By":                 {501, "path"},
		"$expand=Id":                      {400, `no navigation "Id"`},
		"$expand=Labels/Parcels":          {501, "path"},
		"$expand=Labels&$select=Id":       {400, `$expand names "Labels", and $select does not`},
		"$orderby=Size up":                {400, "asc or desc"},
		"$orderby=Colour":                 {400, `no property "Colour"`},
		"$orderby=Note":                   {400, "complex"},
		"$orderby=":                       {400, "expected a property"},
		"$skiptoken=1":                    {501, "$skiptoken"},
		"$search=x":                       {400, `"$search" is not known`},
		"$format=":                        {400, "empty $format"},
		"top=1":                           {400, `"top" is not known here`},
		"sap-client=100":                  {400, `"sap-client" is not known here`},
		"$filter=%zz":                     {400, "percent-encoded"},
		strings.Repeat("a=1&", 65):        {400, "more than 64 options"},
		"x=" + strings.Repeat("a", 17000): {414, "17002 bytes"},
	} {
		_, err := ParseOptions(query, resource(t, "Parcels"), false, nil)
		require.NotNil(t, err, query)
		assert.Equal(t, want.status, err.Status, query)
		assert.Contains(t, err.Message, want.message)
	}
	for path, query := range map[string]string{
		"Parcels(Id='a',Owner='b')": "$filter=Size eq 1", "Parcels/$count": "$select=Id", "": "$top=1", "$metadata": "$select=Id",
		"Parcels(Id='a',Owner='b')/$value": "$format=json", "Parcels(Id='a',Owner='b')/Size": "$select=Id", "Send": "$top=1",
	} {
		_, err := ParseOptions(query, resource(t, path), false, nil)
		require.NotNil(t, err, path)
		assert.Contains(t, err.Message, "makes no sense")
	}
	_, err := ParseOptions("$select=Id", resource(t, "Parcels"), true, nil)
	assert.Contains(t, err.Message, "makes no sense", "for a change")
	o, err := ParseOptions("keystoreName=system", resource(t, "Parcels"), false, []string{"keystoreName"})
	require.Nil(t, err)
	assert.Equal(t, "system", o.Custom["keystoreName"])
}

func TestPairsKeepSemicolons(t *testing.T) {
	pairs, err := Pairs("roles=a;b&x=%3D+y&&z")
	require.Nil(t, err)
	assert.Equal(t, [][2]string{{"roles", "a;b"}, {"x", "= y"}, {"z", ""}}, pairs)
}

func TestNegotiate(t *testing.T) {
	for _, row := range []struct {
		format, accept string
		want           Format
	}{
		{"", "", Atom}, {"", "application/json", JSON}, {"", "application/json;odata=verbose", JSON}, {"json", "application/xml", JSON},
		{"atom", "application/json", Atom}, {"xml", "", Atom}, {"application/json", "", JSON}, {"application/atom xml", "", Atom},
		{"", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", Atom}, // HttpURLConnection
		{"", "application/xml;q=0.5, application/json", JSON}, {"", "application/json;q=0.5, application/atom+xml", Atom},
		{"", "application/json;q=0, */*", Atom}, {"", "application/json;q=0.9, */*;q=0.8", JSON}, {"", "application/json, text/plain, */*", JSON},
	} {
		got, err := Negotiate(row.format, []string{row.accept})
		require.Nil(t, err, row)
		assert.Equal(t, row.want, got, row)
	}
	for _, row := range [][2]string{{"yaml", ""}, {"", "text/html"}, {"", "application/json;q=0"}, {"", "application/json;q=x"}} {
		_, err := Negotiate(row[0], []string{row[1]})
		require.NotNil(t, err, row)
		assert.Equal(t, 406, err.Status)
	}
}

func FuzzFilter(f *testing.F) {
	for _, text := range []string{"Owner eq 'a' and (Size ne 5L or startswith(Id,'x'))", "substringof('a''b',Owner) eq true", "((", "X'0g' eq Content", "Sent eq datetime'2021-04-12T00:00:03'", "not Urgent"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(text, parcelType)
		if err != nil {
			if err.Status != 400 && err.Status != 501 {
				t.Fatalf("status %d", err.Status)
			}
			return
		}
		for _, e := range parcels() {
			filter.Match(e)
		}
	})
}

func FuzzOptions(f *testing.F) {
	for _, q := range []string{"$filter=Owner+eq+'a'&$select=Id&$select=Owner", "$orderby=Size desc,Id&$top=3&$skip=1&$inlinecount=allpages", "$expand=Labels,First&$format=json", "%24top=%31", "a=b;c"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r, _ := model.ParsePath("Parcels")
		o, err := ParseOptions(query, r, false, nil)
		if err != nil {
			return
		}
		page, count := o.Apply(parcels())
		if len(page) > count || count > 3 {
			t.Fatalf("%d of %d", len(page), count)
		}
		for _, format := range []Format{Atom, JSON} {
			Service{Model: model, Base: "https://x/", Format: format, Options: o}.Entities(parcelType, page, count)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, p := range []string{"Parcels(Id='a',Owner='b')/Labels('x%2Fy')/$value", "Parcels/$count", "Parcels(%27a%27)", "Labels('a/b')/Text/$value", "$metadata", "//", "Parcels()"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, err := model.ParsePath(path)
		if err != nil {
			if err.Status < 400 {
				t.Fatalf("status %d", err.Status)
			}
			return
		}
		if !r.Root && !r.Metadata && r.Function == nil && r.Set.Type == nil {
			t.Fatal("the path leads nowhere")
		}
		if r.Set.Type != nil && slices.Contains([]string{"", "$"}, r.Type().Name) {
			t.Fatal("no type")
		}
	})
}

func FuzzPairs(f *testing.F) {
	f.Add("a=b&c=%64;e")
	f.Fuzz(func(t *testing.T, query string) {
		pairs, err := Pairs(query)
		if err != nil {
			return
		}
		var again []string
		for _, p := range pairs {
			again = append(again, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
		}
		twice, err := Pairs(strings.Join(again, "&"))
		if err != nil && err.Status == 414 {
			return
		}
		if !slices.Equal(pairs, twice) {
			t.Fatalf("%q became %q", pairs, twice)
		}
	})
}
