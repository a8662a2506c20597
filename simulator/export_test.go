package simulator

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

var noon = time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC)

// written writes exported files into a folder and returns the path of the document.
func written(t require.TestingT, folder string, files []Exported) string {
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.Path))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, f.Data, 0o600))
	}
	return filepath.Join(folder, files[0].Path)
}

// Whatever a tenant holds comes back from the document that is written of it.
func TestAnExportedTenantReadsBackTheSame(t *testing.T) {
	root := pki.NewRoot("Example Root CA")
	var certificates [][]byte
	for i := range 6 {
		certificates = append(certificates, root.Client(fmt.Sprintf("sender%d", i)).DER())
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := anyConfig(rt, certificates)
		require.Empty(rt, c.Validate(), "the generator makes valid ones only")
		l := Landscape{Tenant: Tenant{Account: c.Account, Nodes: 2}, Senders: []Sender{{Name: "s"}}}
		folder, err := os.MkdirTemp(t.TempDir(), "")
		require.NoError(rt, err)
		files, err := l.Export(c, nil, filepath.Join(folder, "out.yaml"))
		require.NoError(rt, err)
		again, err := ReadFile(written(rt, folder, files))
		require.NoError(rt, err, string(files[0].Data))
		got, err := again.tenantConfig(&pki.Set{})
		require.NoError(rt, err)
		require.Equal(rt, c, got, string(files[0].Data))
		assert.Equal(rt, l.Senders, again.Senders, "what is not the tenant's stays")
	})
}

// anyConfig draws a configuration that is valid.
func anyConfig(rt *rapid.T, certificates [][]byte) tenant.Config {
	text := rapid.StringMatching(`[A-Za-zäß0-9 #:'"{}\[\]&*!|>%@,_.-]{0,12}`)
	name := rapid.Custom(func(rt *rapid.T) string { return "n" + text.Draw(rt, "text") + "x" })
	word := rapid.StringMatching(`[A-Za-z0-9_.-]{1,12}`)
	maybe := func(g *rapid.Generator[string]) *rapid.Generator[string] { return rapid.OneOf(rapid.Just(""), g) }
	moment := rapid.Custom(func(rt *rapid.T) time.Time {
		if rapid.Bool().Draw(rt, "never") {
			return time.Time{}
		}
		return noon.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(rt, "ms")) * time.Millisecond)
	})
	channel := func(rt *rapid.T, address, flow string) tenant.Channel {
		c := tenant.Channel{Address: address, Flow: flow, MaximumBodySize: int64(rapid.IntRange(0, 100).Draw(rt, "MB")) << 20,
			Answer: rapid.SampledFrom(append(tenant.Answers(), "")).Draw(rt, "answer")}
		if https := strings.HasPrefix(address, "/http/"); https {
			c.CSRFProtected = rapid.Bool().Draw(rt, "csrf")
		} else {
			c.Adapter = rapid.SampledFrom([]tenant.Adapter{"", tenant.SOAP, tenant.IDoc}).Draw(rt, "adapter")
		}
		switch rapid.IntRange(0, 3).Draw(rt, "authorization") {
		case 0:
			c.OldAdapter = true
		case 1:
			c.Authorization.UserRole = name.Draw(rt, "role")
		case 2:
			c.Authorization.Table = []tenant.DNPair{}
			for range rapid.IntRange(0, 2).Draw(rt, "rows") {
				c.Authorization.Table = append(c.Authorization.Table, tenant.DNPair{Subject: "CN=" + word.Draw(rt, "cn") + ", O=Example", Issuer: "CN=CA"})
			}
		}
		return c
	}
	c := tenant.Config{
		Account: rapid.StringMatching(`[a-z][a-z0-9]{0,8}`).Draw(rt, "account"), RoleCache: rapid.Bool().Draw(rt, "cache"),
		MappingStore: rapid.SampledFrom([]int64{0, -1, 1 << 20}).Draw(rt, "store"),
	}
	c.Application = c.Account + rapid.SampledFrom([]string{"iflmap", "hcioem"}).Draw(rt, "profile")
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(certificates)-1), 0, 4, rapid.ID).Draw(rt, "mapped") {
		c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: certificates[i], User: name.Draw(rt, "user"),
			CreatedBy: maybe(name).Draw(rt, "by"), Created: moment.Draw(rt, "at"), LastModifiedBy: maybe(name).Draw(rt, "by"), LastModified: moment.Draw(rt, "at")})
	}
	names := func(label string) []string {
		return rapid.SliceOfNDistinct(name, 0, 3, strings.ToLower).Draw(rt, label)
	}
	words := func(label string) []string {
		return rapid.SliceOfNDistinct(word, 0, 3, strings.ToLower).Draw(rt, label)
	}
	for _, n := range names("users") {
		c.Users = append(c.Users, tenant.User{Name: strings.ReplaceAll(n, ":", "_"), Password: text.Draw(rt, "password")})
	}
	for _, n := range names("credentials") {
		c.Credentials = append(c.Credentials, tenant.Credential{Name: n, User: name.Draw(rt, "user"), Password: text.Draw(rt, "password"), Description: text.Draw(rt, "description")})
	}
	for _, id := range words("clients") {
		c.Clients = append(c.Clients, tenant.Client{ID: id, Secret: name.Draw(rt, "secret")})
	}
	for _, n := range names("groups") {
		g := tenant.Group{Name: n}
		g.Users = append(g.Users, names("members")...)
		c.Groups = append(c.Groups, g)
		c.Roles = append(c.Roles, tenant.Assignment{Group: strings.ToUpper(n), Role: name.Draw(rt, "role")})
	}
	for range rapid.IntRange(0, 3).Draw(rt, "roles") {
		c.Roles = append(c.Roles, tenant.Assignment{User: name.Draw(rt, "user"), Role: name.Draw(rt, "role"), Application: maybe(word).Draw(rt, "application")})
	}
	for _, n := range names("application roles") {
		c.ApplicationRoles = append(c.ApplicationRoles, tenant.ApplicationRole{Application: word.Draw(rt, "application"), Name: n})
	}
	addresses := []string{"/http/Orders", "/http/all/*", "/cxf/stock", "/cxf/Stock", "/http/a~b$c"}
	flows := []string{"", "Shop", "a flow: of #1"}
	for _, a := range rapid.SliceOfNDistinct(rapid.SampledFrom(addresses), 0, 4, rapid.ID).Draw(rt, "channels") {
		c.Channels = append(c.Channels, channel(rt, a, rapid.SampledFrom(flows).Draw(rt, "flow")))
		if rapid.IntRange(0, 3).Draw(rt, "designed") == 0 {
			c.Designs = append(c.Designs, tenant.Design{Address: a, Channel: channel(rt, "/cxf/designed", "")})
		}
	}
	for _, id := range words("packages") {
		c.Packages = append(c.Packages, tenant.Package{ID: id, Name: text.Draw(rt, "name"), Description: text.Draw(rt, "description"), Version: text.Draw(rt, "version")})
	}
	for _, id := range names("artifacts") {
		a := tenant.Artifact{ID: id, Name: maybe(name).Draw(rt, "name"), Version: maybe(word).Draw(rt, "version"),
			CreatedBy: maybe(name).Draw(rt, "by"), Created: moment.Draw(rt, "at"), ModifiedBy: maybe(name).Draw(rt, "by"), Modified: moment.Draw(rt, "at")}
		if len(c.Packages) > 0 && rapid.Bool().Draw(rt, "in a package") {
			a.Package = c.Packages[0].ID
		}
		if rapid.Bool().Draw(rt, "uploaded") {
			a.Content = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(rt, "zip")
			a.Parameters = map[string]string{name.Draw(rt, "key"): text.Draw(rt, "value"), "": text.Draw(rt, "value")}
			a.Channels = append(a.Channels, channel(rt, "/http/designed", id), channel(rt, "/cxf/designed", id))
		}
		c.Artifacts = append(c.Artifacts, a)
		if rapid.Bool().Draw(rt, "deployed") {
			c.Deployments = append(c.Deployments, tenant.Deployment{Flow: id, Name: text.Draw(rt, "name"), Version: text.Draw(rt, "version"), By: maybe(name).Draw(rt, "by"), On: moment.Draw(rt, "on"), Error: text.Draw(rt, "error")})
		}
	}
	if len(c.Channels) > 0 && c.Channels[0].Flow == "Shop" {
		c.WithoutDesign = append(c.WithoutDesign, "Shop")
	}
	for i, n := range names("keystore") {
		c.Keystore = append(c.Keystore, tenant.KeystoreEntry{Alias: n, Certificate: certificates[i]})
	}
	return c
}

// What a document cannot hold is said, and nothing is written.
func TestWhatADocumentCannotHold(t *testing.T) {
	good := tenant.Config{Account: "e1", Application: "e1iflmap", Channels: []tenant.Channel{{Address: "/http/a"}}}
	_, err := Landscape{}.Export(good, nil, "out.yaml")
	require.NoError(t, err, "the good twin")
	for name, row := range map[string]struct {
		change func(*tenant.Config)
		says   string
	}{
		"another application":     {func(c *tenant.Config) { c.Application = "other" }, "tenant.profile"},
		"a body limit in bytes":   {func(c *tenant.Config) { c.Channels[0].MaximumBodySize = 5 }, "under Channels"},
		"a row without an issuer": {func(c *tenant.Config) { c.Channels[0].Authorization.Table = []tenant.DNPair{{Subject: "CN=a"}} }, "subject and issuer"},
		"a time within a millisecond": {func(c *tenant.Config) {
			c.Deployments = []tenant.Deployment{{Flow: "a", On: noon.In(time.FixedZone("X", 3600))}}
		}, "under Deployments"},
		"too much": {func(c *tenant.Config) {
			c.Packages = []tenant.Package{{ID: "P", Description: strings.Repeat("x", document.MaxSize)}}
		}, "the tenant holds too much for one"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			c.Channels = append([]tenant.Channel(nil), good.Channels...)
			row.change(&c)
			_, err := Landscape{}.Export(c, nil, "out.yaml")
			assert.ErrorContains(t, err, row.says)
		})
	}
}

// A landscape that is started again with its store has the same tenant and the same certificates, and so
// has one that is started from the exported document.
func TestALandscapeGoesOnWhereItEnded(t *testing.T) {
	store := tenant.NewMemory()
	start := func(l Landscape, store tenant.Store) *Simulator {
		t.Helper()
		s, err := Start(context.WithoutCancel(t.Context()), l, Options{Store: store})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	call := func(s *Simulator, name string) int {
		t.Helper()
		outcome, err := s.Send(t.Context(), name, sender.Call{URL: "/http/orders"})
		require.NoError(t, err)
		return outcome.Result.Status
	}
	first := start(Example(), store)
	assert.False(t, first.Restored())
	require.Equal(t, 200, call(first, "warehouse"))
	require.Equal(t, 403, call(first, "shop"))
	shop, _ := first.Certificates().Get("shop")
	require.NoError(t, first.Tenant().MapCertificateAs("alice", shop.DER(), "SHOP"))
	require.NoError(t, first.Tenant().Assign(tenant.Assignment{User: "SHOP", Role: tenant.DefaultRole}))
	require.Equal(t, 200, call(first, "shop"), "it counts for the next call")
	config, kept := first.Tenant().Config(), first.Tenant().Kept()
	rootBefore := first.Root().DER()
	require.NoError(t, first.Close())

	store.Reopen()
	second := start(Example(), store)
	assert.True(t, second.Restored())
	assert.Equal(t, config, second.Tenant().Config())
	assert.Equal(t, rootBefore, second.Root().DER(), "senders go on trusting it")
	require.Equal(t, 200, call(second, "shop"))
	require.Equal(t, 200, call(second, "warehouse"))
	require.Equal(t, 401, call(second, "warehouse-expired"), "what is like it is kept too")
	require.NoError(t, second.Close())

	folder := t.TempDir()
	files, err := Example().Export(config, kept, filepath.Join(folder, "out.yaml"))
	require.NoError(t, err)
	exported, err := ReadFile(written(t, folder, files))
	require.NoError(t, err)
	third := start(exported, nil)
	assert.Equal(t, config, third.Tenant().Config())
	assert.Equal(t, rootBefore, third.Root().DER())
	require.Equal(t, 200, call(third, "shop"))
	assert.Contains(t, string(files[0].Data), "certificate: shop", "a certificate of the pki section goes by its name")

	// A description that changed makes a new certificate, which nobody has mapped.
	store.Reopen()
	changed := Example()
	for i := range changed.PKI {
		if changed.PKI[i].Name == "shop" {
			changed.PKI[i].Subject = "CN=shop.example, O=Other, C=DE"
		}
	}
	fourth := start(changed, store)
	require.Equal(t, 403, call(fourth, "shop"))
	require.Equal(t, 200, call(fourth, "warehouse"))
}

func TestAStateBelongsToItsTenant(t *testing.T) {
	store := tenant.NewMemory()
	s, err := Start(t.Context(), Example(), Options{Store: store})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	store.Reopen()
	other := Example()
	other.Tenant.Account = "e200"
	_, err = Start(t.Context(), other, Options{Store: store})
	var problems document.Problems
	require.ErrorAs(t, err, &problems)
	assert.Equal(t, "tenant.account", problems[0].Path)
	assert.Contains(t, problems[0].Message, "the state is that of tenant e100999")
	assert.Error(t, store.Save(t.Context(), tenant.Change{Put: []tenant.Record{{}}}), "a landscape that does not start closes its store")
}

func TestSettingsComeFromTheDocument(t *testing.T) {
	store := tenant.NewMemory()
	s, err := Start(t.Context(), Example(), Options{Store: store})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	store.Reopen()
	l := Example()
	l.Tenant.RoleCache, l.Tenant.MappingStore = true, -1
	s, err = Start(t.Context(), l, Options{Store: store})
	require.NoError(t, err)
	defer s.Close()
	c := s.Tenant().Config()
	assert.True(t, c.RoleCache)
	assert.Equal(t, int64(-1), c.MappingStore)
}

// Files that a document names and that are not what it says: the problem has the place.
func TestFilesOfADocument(t *testing.T) {
	folder := t.TempDir()
	der := pki.NewRoot("Example Root CA").Client("a").DER()
	for name, data := range map[string][]byte{"good.pem": certificatePEM(der), "good.der": der, "key.pem": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "empty.pem": {}, "rubbish.pem": []byte("x"), "minted.json": []byte("[")} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	for text, says := range map[string]string{
		"mappings: [{file: good.pem, user: A}]\nkeystoreEntries: [{alias: a, file: good.der}]": "",
		"mappings: [{file: good.der, user: A}]":                                                "",
		"mappings: [{file: none.pem, user: A}]":                                                "mappings[0].file: ",
		"mappings: [{file: key.pem, user: A}]":                                                 "found PRIVATE KEY in key.pem, expected a certificate",
		"mappings: [{file: empty.pem, user: A}]":                                               "the file is empty",
		"mappings: [{file: rubbish.pem, user: A}]":                                             "mappings[0].certificate: is not the DER of a certificate",
		"mappings: [{file: good.pem, user: A}, {file: good.der, user: B}]":                     `is mapped to user "A" in mappings[0] already`,
		"mappings: [{file: good.pem, certificate: a, user: A}]":                                "stands beside certificate",
		"mappings: [{user: A}]":                                                                "no certificate is called",
		"keystoreEntries: [{alias: a}]":                                                        "keystoreEntries[0].file: is missing",
		"artifacts: [{id: A, content: none.zip}]":                                              "artifacts[0].content: ",
		"artifacts: [{id: A, package: P}]":                                                     `artifacts[0].package: there is no package "P"`,
		"designs: [{address: /http/x, channel: {address: /http/y}}]":                           `no channel has the address "/http/x"`,
		"minted: none.json":                                                                    "minted: ",
		"minted: minted.json":                                                                  "minted: reading minted.json",
	} {
		file := filepath.Join(folder, "landscape.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text+"\n"), 0o600))
		err := func() error {
			l, err := ReadFile(file)
			if err != nil {
				return err
			}
			s, err := Start(t.Context(), l, Options{})
			if err != nil {
				return err
			}
			return s.Close()
		}()
		if says == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, says, text)
		var problems document.Problems
		require.ErrorAs(t, err, &problems, text)
		assert.Positive(t, problems[0].Line, text)
	}
}
