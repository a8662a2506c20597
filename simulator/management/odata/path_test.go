package odata

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPath(t *testing.T) {
	assert.True(t, resource(t, "").Root)
	assert.True(t, resource(t, "$metadata").Metadata)
	assert.Equal(t, "Send", resource(t, "Send").Function.Name)

	r := resource(t, "Parcels")
	assert.True(t, r.Collection())
	assert.Equal(t, r, resource(t, "Parcels()"), "as the specification allows")
	assert.Equal(t, r, resource(t, "Parcels/"))
	assert.Equal(t, Count, resource(t, "Parcels/$count").Ending)

	r = resource(t, "Parcels(Owner='O''Neill', Id='a')")
	assert.False(t, r.Collection())
	assert.Equal(t, "O'Neill", r.Key.Get("Owner"))
	assert.Equal(t, "a", r.Key.Get("Id"))
	for _, path := range []string{"Labels('x/y')", "Labels('x%2Fy')", "Labels(%27x%2Fy%27)", "Labels(Name='x%2fy')", "Labels%28'x/y'%29"} {
		assert.Equal(t, "x/y", resource(t, path).Key.Get("Name"), path)
	}

	r = resource(t, "Parcels(Id='a',Owner='b')/Labels('x')/Text/$value")
	assert.Equal(t, "Text", r.Property.Name)
	assert.Equal(t, Content, r.Ending)
	assert.Equal(t, labelType, r.Type())
	assert.Equal(t, "x", r.Steps[0].Key.Get("Name"))
	assert.True(t, resource(t, "Parcels(Id='a',Owner='b')/Labels").Collection())
	assert.False(t, resource(t, "Parcels(Id='a',Owner='b')/First").Collection())
	assert.Equal(t, Links, resource(t, "Parcels(Id='a',Owner='b')/$links/Labels('x')").Ending)
	assert.Equal(t, Count, resource(t, "Parcels(Id='a',Owner='b')/Labels/$count").Ending)
}

func TestPathThatIsRefused(t *testing.T) {
	for path, want := range map[string]struct {
		status  int
		message string
	}{
		"Letters":                               {404, `Could not find an entity set or function import for "Letters"`},
		"parcels":                               {404, "Could not find"},
		"$batch":                                {501, "$batch is not supported"},
		"$metadata/x":                           {400, "behind $metadata"},
		"Parcels('a')":                          {400, `Found the key "'a'", expected (Id='…',Owner='…')`},
		"Parcels(Id='a')":                       {400, "expected (Id="},
		"Parcels(Id='a',Id='b')":                {400, "expected (Id="},
		"Parcels(Id='a',Size='b')":              {400, "expected (Id="},
		"Parcels(Id=1,Owner='b')":               {400, "expected (Id="},
		"Parcels(Id='a' Owner='b')":             {400, "expected (Id="},
		"Labels(5)":                             {400, `Found the key "5", expected ('Name')`},
		"Labels(null)":                          {400, "expected ('Name')"},
		"Labels('a','b')":                       {400, "expected ('Name')"},
		"Labels('a'":                            {400, "not closed with a parenthesis"},
		"Labels('a)":                            {400, "A quote is not closed"},
		"Labels('%zz')":                         {400, "percent-encoded"},
		"Labels//x":                             {400, "empty segment"},
		"Labels('a')/Colour":                    {404, `neither a property nor a navigation "Colour"`},
		"Labels('a')/Name/x":                    {404, `behind the property "Name"`},
		"Labels('a')/Name('x')":                 {404, "neither"},
		"Labels('a')/$value":                    {400, "no content of its own"},
		"Labels('a')/$count":                    {400, "leads to one entity"},
		"Labels/Name":                           {400, "give the key"},
		"Labels/$value":                         {400, "leads to a collection"},
		"Labels/$count/x":                       {400, "behind $count"},
		"Labels('a')/Name/$value/x":             {400, "behind $value"},
		"Send('a')":                             {400, "is a function"},
		"Send/x":                                {400, "is a function"},
		"Parcels(Id='a',Owner='b')/First('x')":  {400, "has no key"},
		"Parcels(Id='a',Owner='b')/Note/$value": {400, "complex"},
		"Parcels(Id='a',Owner='b')/$links":      {400, "$links"},
		"Parcels(Id='a',Owner='b')/$links/Size": {404, "neither"},
		"Parcels/$links/Labels":                 {400, "$links"},
		strings.Repeat("Parcels/", 9):           {400, "9 segments, expected 8"},
		strings.Repeat("a", 5000):               {414, "5000 bytes"},
	} {
		t.Run(clip(path), func(t *testing.T) {
			_, err := model.ParsePath(path)
			require.NotNil(t, err)
			assert.Equal(t, want.status, err.Status, err.Message)
			assert.Contains(t, err.Message, want.message)
		})
	}
}

func TestFind(t *testing.T) {
	found, ok := parcelType.Find(parcels(), resource(t, "Parcels(Id='b',Owner='active')").Key)
	require.True(t, ok)
	assert.Equal(t, "b", found.(parcel).id)
	_, ok = parcelType.Find(parcels(), resource(t, "Parcels(Id='active',Owner='active')").Key)
	assert.False(t, ok)
	_, ok = labelType.Find(Entities([]label{{"a", ""}}), resource(t, "Labels('A')").Key)
	assert.False(t, ok)
}
