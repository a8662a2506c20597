package management_test

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/tenant"
)

func TestMappingsAreListed(t *testing.T) {
	f := start(t, setup(t))
	m := f.tenant.Snapshot().Mappings()[0]
	id := tenant.MappingID(m.Certificate)
	all := f.admin().do("GET", "CertificateUserMappings", "").is(200).results()
	require.Len(t, all, 1)
	got := all[0]
	assert.Equal(t, map[string]any{
		"id": "https://e100999-tmn.example:443/api/v1/CertificateUserMappings('" + id + "')", "uri": "https://e100999-tmn.example:443/api/v1/CertificateUserMappings('" + id + "')",
		"type": "com.sap.hci.api.CertificateUserMapping"}, got["__metadata"])
	assert.Regexp(t, "^[0-9a-f]{32}$", got["Id"])
	assert.Equal(t, "WAREHOUSE", got["User"])
	assert.Equal(t, "/Date(1618228800000)/", got["CreatedTime"])
	assert.Equal(t, fmt.Sprint(noon.Add(240*time.Hour).UnixMilli()), got["ValidUntil"], "a string, as all Edm.Int64")
	text := got["Certificate"].(string)
	assert.True(t, strings.HasPrefix(text, "LS0tLS1CRUdJTi"), "Base64 of PEM")
	data, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	assert.Equal(t, m.Certificate, block.Bytes)

	one := f.admin().do("GET", "CertificateUserMappings('"+id+"')", "").is(200).entity()
	assert.Equal(t, got, one)
	f.admin().do("GET", "CertificateUserMappings('"+strings.Repeat("0", 32)+"')", "").is(404).says("Requested entity could not be found.")
	assert.Equal(t, "1", f.admin().do("GET", "CertificateUserMappings/$count", "").is(200).body)
	assert.Equal(t, "WAREHOUSE", f.admin().do("GET", "CertificateUserMappings('"+id+"')/User/$value", "").is(200).body)
}

// The blog's monitor of expiring certificates asks like this, others repeat $select.
func TestMappingsAreSelectedAndFiltered(t *testing.T) {
	c := setup(t)
	for _, user := range []string{"SHOP", "SHIP", "O'Neill"} {
		c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: mint(t, user), User: user})
	}
	f := start(t, c)
	for _, query := range []string{"$select=Id,User,ValidUntil", "$select=Id&$select=User&$select=ValidUntil", "%24select=Id%2CUser&%24select=ValidUntil"} {
		for _, m := range f.admin().do("GET", "CertificateUserMappings?"+query, "").is(200).results() {
			assert.Len(t, m, 4, "and __metadata")
			assert.NotContains(t, m, "Certificate")
		}
	}
	users := func(query string) (out []string) {
		for _, m := range f.admin().do("GET", "CertificateUserMappings?"+query, "").is(200).results() {
			out = append(out, m["User"].(string))
		}
		return out
	}
	assert.Equal(t, []string{"SHOP"}, users("$filter=User%20eq%20'SHOP'"))
	assert.Equal(t, []string{"O'Neill"}, users("$filter=User+eq+'O''Neill'"))
	assert.Equal(t, []string{"SHIP", "SHOP"}, users("$filter=startswith(User,'SH')&$orderby=User"))
	assert.Equal(t, []string{"SHOP"}, users("$filter=startswith(User,'SH')&$orderby=User&$skip=1&$top=1"))
	f.admin().do("GET", "CertificateUserMappings?$filter=Id%20eq%20'x'", "").is(501).says(`cannot be filtered by "Id", only by User`)
	f.admin().do("GET", "CertificateUserMappings?$filter=User%20like%20'x'", "").is(400)
	f.admin().do("GET", "CertificateUserMappings?$search=x", "").is(400).says("not known")
	f.admin().do("GET", "CertificateUserMappings?filter=x", "").is(400).says("not known")
	a := f.admin().do("GET", "CertificateUserMappings?$inlinecount=allpages&$top=1", "").is(200)
	assert.Contains(t, a.body, `{"d":{"__count":"4","results":[`)
}

func TestMapping(t *testing.T) {
	f := start(t, setup(t))
	der := mint(t, "shop")
	s := f.admin()
	a := s.do("POST", "CertificateUserMappings", `{"User":"SHOP","Certificate":"`+encoded(der)+`"}`, "Content-Type: application/json").is(201)
	got := a.entity()
	assert.Equal(t, tenant.MappingID(der), got["Id"])
	assert.Equal(t, "admin", got["CreatedBy"])
	assert.Equal(t, "https://e100999-tmn.example:443/api/v1/CertificateUserMappings('"+tenant.MappingID(der)+"')", a.header.Get("Location"))
	user, ok := f.tenant.Snapshot().Mapped(der)
	assert.True(t, ok)
	assert.Equal(t, "SHOP", user, "at once, for the next call")

	// An existing certificate only changes its user.
	f.advance(time.Minute)
	got = s.do("POST", "CertificateUserMappings", `{"User":"STORE","Certificate":"`+encoded(der)+`"}`).is(201).entity()
	assert.Equal(t, "STORE", got["User"])
	assert.NotEqual(t, got["CreatedTime"], got["LastModifiedTime"])
	assert.Equal(t, 2, f.tenant.Snapshot().MappingCount())

	s.do("DELETE", "CertificateUserMappings('"+tenant.MappingID(der)+"')", "").is(204)
	_, ok = f.tenant.Snapshot().Mapped(der)
	assert.False(t, ok)
	s.do("DELETE", "CertificateUserMappings('"+tenant.MappingID(der)+"')", "").is(404)
}

func TestMappingWithAtom(t *testing.T) {
	f := start(t, setup(t))
	der := mint(t, "shop")
	entry := `<?xml version="1.0"?><entry xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"><content type="application/xml"><m:properties><d:User>SHOP</d:User><d:Certificate>` + encoded(der) + `</d:Certificate></m:properties></content></entry>`
	s := f.admin()
	a := f.call("POST", "/api/v1/CertificateUserMappings", entry, append([]string{"Content-Type: application/atom+xml", "Accept: application/atom+xml"}, without(s.headers, "Accept")...)...).is(201)
	assert.Equal(t, "application/atom+xml;type=entry;charset=utf-8", a.header.Get("Content-Type"))
	assert.Contains(t, a.body, "<d:User>SHOP</d:User>")
	user, _ := f.tenant.Snapshot().Mapped(der)
	assert.Equal(t, "SHOP", user)
}

func without(headers []string, name string) (out []string) {
	for _, h := range headers {
		if !strings.HasPrefix(h, name+":") {
			out = append(out, h)
		}
	}
	return out
}

// Bad input gets the real tenant's form of error, the right code, and changes nothing.
func TestMappingThatIsRefused(t *testing.T) {
	f := start(t, setup(t))
	const no509 = "[NodeManagerApi][CONTENT_STORE][No509Certificate]"
	good := encoded(mint(t, "shop"))
	pemOf := func(kind string, data []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
	}
	two, _ := base64.StdEncoding.DecodeString(good)
	for name, row := range map[string]struct {
		body, contentType string
		status            int
		message           string
	}{
		"empty":                    {"", "", 400, "The body is empty"},
		"no json":                  {"User=SHOP", "", 400, "no object of JSON"},
		"form":                     {"User=SHOP", "application/x-www-form-urlencoded", 415, "expected application/json"},
		"no user":                  {`{"Certificate":"` + good + `"}`, "", 400, `"User" is missing`},
		"empty user":               {`{"User":"","Certificate":"` + good + `"}`, "", 400, `"User" is missing`},
		"blank user":               {`{"User":" ","Certificate":"` + good + `"}`, "", 400, "expected a name"},
		"long user":                {`{"User":"` + strings.Repeat("a", 151) + `","Certificate":"` + good + `"}`, "", 400, "151 bytes, expected 150"},
		"user is a number":         {`{"User":5,"Certificate":"` + good + `"}`, "", 400, "expected Edm.String"},
		"no certificate":           {`{"User":"SHOP"}`, "", 400, `"Certificate" is missing`},
		"unknown property":         {`{"User":"SHOP","Certificate":"` + good + `","Role":"x"}`, "", 400, `no property "Role"`},
		"not base64":               {`{"User":"SHOP","Certificate":"%%"}`, "", 500, no509},
		"der":                      {`{"User":"SHOP","Certificate":"` + base64.StdEncoding.EncodeToString(mint(t, "x")) + `"}`, "", 500, no509},
		"rubbish":                  {`{"User":"SHOP","Certificate":"aGVsbG8="}`, "", 500, no509},
		"rubbish in pem":           {`{"User":"SHOP","Certificate":"` + pemOf("CERTIFICATE", []byte("rubbish")) + `"}`, "", 500, no509},
		"a key":                    {`{"User":"SHOP","Certificate":"` + pemOf("PRIVATE KEY", mint(t, "x")) + `"}`, "", 500, no509},
		"two":                      {`{"User":"SHOP","Certificate":"` + base64.StdEncoding.EncodeToString(append(two, two...)) + `"}`, "", 500, no509},
		"too large":                {`{"User":"SHOP","Certificate":"` + strings.Repeat("A", 4<<20) + `"}`, "", 413, "larger than"},
		"larger than the property": {`{"User":"SHOP","Certificate":"` + strings.Repeat("A", 3<<20) + `"}`, "", 400, "expected 2095152 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			f.unchanged(func() {
				f.admin().do("POST", "CertificateUserMappings", row.body, "Content-Type: "+row.contentType).is(row.status).says(row.message)
			})
		})
	}
	f.admin().do("POST", "CertificateUserMappings", `{"User":"SHOP","Certificate":"`+good+`"}`).is(201)
}

func TestMappingStoreThatIsFull(t *testing.T) {
	c := setup(t)
	c.MappingStore = int64(len(c.Mappings[0].Certificate))
	f := start(t, c)
	f.unchanged(func() {
		f.admin().do("POST", "CertificateUserMappings", `{"User":"SHOP","Certificate":"`+encoded(mint(t, "shop"))+`"}`).is(400).says("the mapping store holds")
	})
}

// There is no PUT and no MERGE of mappings, whatever way they are sent in.
func TestMethodsThatMappingsDoNotHave(t *testing.T) {
	f := start(t, setup(t))
	id := tenant.MappingID(f.tenant.Snapshot().Mappings()[0].Certificate)
	s := f.admin()
	for _, method := range []string{"PUT", "MERGE", "PATCH"} {
		f.unchanged(func() {
			a := s.do(method, "CertificateUserMappings('"+id+"')", `{"User":"X"}`).is(405).says("is not allowed here; allowed are GET, HEAD, DELETE")
			assert.Equal(t, "GET, HEAD, DELETE", a.header.Get("Allow"))
			s.do("POST", "CertificateUserMappings('"+id+"')", `{"User":"X"}`, "X-HTTP-Method: "+method).is(405)
			s.do("POST", "CertificateUserMappings", `{"User":"X"}`, "X-HTTP-Method: "+method).is(405)
		})
	}
	f.unchanged(func() {
		s.do("DELETE", "CertificateUserMappings", "").is(405)
		s.do("POST", "CertificateUserMappings('"+id+"')", "{}").is(405)
		s.do("DELETE", "CertificateUserMappings('"+id+"')/User", "").is(405)
		s.do("POST", "$metadata", "").is(405)
		s.do("POST", "", "").is(405)
		s.do("TRACK", "CertificateUserMappings", "").is(405)
	})
	// A tunnelled DELETE is one.
	s.do("POST", "CertificateUserMappings('"+id+"')", "", "X-HTTP-Method: DELETE").is(204)
	assert.Zero(t, f.tenant.Snapshot().MappingCount())
}
