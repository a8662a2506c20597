package iflow

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// What java.util.Properties.load gives for these texts.
func TestPropertiesAsJavaReadsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]property{
		"a=b":                         {{"a", "b"}},
		"a = b ":                      {{"a", "b "}},
		"a:b":                         {{"a", "b"}},
		"a b c":                       {{"a", "b c"}},
		"a\t\f= \tb":                  {{"a", "b"}},
		"a==b":                        {{"a", "=b"}},
		"a":                           {{"a", ""}},
		"a=":                          {{"a", ""}},
		"=b":                          {{"", "b"}},
		`Path\ of\ orders=/a`:         {{"Path of orders", "/a"}},
		`a\=b\:c=d`:                   {{"a=b:c", "d"}},
		"# c\n ! d\n\n  a=b\r\nc=d\r": {{"a", "b"}, {"c", "d"}},
		"a=b\\\n   c\\\n\td":          {{"a", "bcd"}},
		"a=b\\\\\nc=d":                {{"a", `b\`}, {"c", "d"}},
		"a=b\\\n# no comment":         {{"a", "b# no comment"}},
		"a=b\\":                       {{"a", "b"}},
		`a=\t\n\r\f\q\u00e4\u20AC`:    {{"a", "\t\n\r\fqä€"}},
		`a=\ud83d\ude00`:              {{"a", "\U0001F600"}},
		`a=\ud83d!`:                   {{"a", "\uFFFD!"}},
		"a=\xe4\xf6":                  {{"a", "äö"}},
		"a=\xc3\xa4":                  {{"a", "ä"}}, // UTF-8, where Java would read two characters: a choice
		"\xef\xbb\xbfa=b":             {{"a", "b"}},
		"":                            nil,
	} {
		got, findings := parseProperties([]byte(text))
		assert.Equal(t, want, got, "%q", text)
		assert.Empty(t, findings, "%q", text)
	}
}

func TestPropertiesThatAreWrong(t *testing.T) {
	t.Parallel()
	got, findings := parseProperties([]byte("a=\\u12\nb=c\n\\uZZZZ=d\nb=e\nc=\\u+123"))
	assert.Equal(t, []property{{"b", "e"}}, got)
	if assert.Len(t, findings, 4) {
		assert.Equal(t, Finding{Key: "a", Message: `has \u without four hex digits behind it; the parameter is left out`}, findings[0])
		assert.Equal(t, `\uZZZZ`, findings[1].Key)
		assert.Contains(t, findings[2].Message, "stands there more than once; the last value counts")
		assert.Equal(t, "c", findings[3].Key)
	}
}

func TestPropertiesWrittenAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var parameters []Parameter
		var want []property
		for _, key := range rapid.SliceOfNDistinct(rapid.StringN(0, 10, -1), 0, 5, rapid.ID).Draw(t, "keys") {
			value := rapid.String().Draw(t, "value")
			parameters = append(parameters, Parameter{Key: key, Value: value})
			want = append(want, property{key, value})
		}
		got, findings := parseProperties(Properties(parameters))
		assert.Empty(t, findings)
		assert.Equal(t, want, got)
	})
}

func FuzzProperties(f *testing.F) {
	for _, seed := range []string{"a=b", "a\\ b=\\u00e4\\\n c", "#x\n!y\r\n=\\", "a=\\ud83d\\ude00", "\xef\xbb\xbf\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		properties, _ := parseProperties(data)
		seen := map[string]bool{}
		var again []Parameter
		for _, p := range properties {
			assert.False(t, seen[p.key], "a key stands there once")
			seen[p.key] = true
			again = append(again, Parameter{Key: p.key, Value: p.value})
		}
		// What was read can be written and reads the same, once characters are whole.
		once, _ := parseProperties(Properties(again))
		assert.Len(t, once, len(properties))
	})
}
