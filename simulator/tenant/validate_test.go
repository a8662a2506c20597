package tenant

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// good is a configuration with one of everything.
func good() Config {
	return Config{
		Account:     "e100999",
		Mappings:    []Mapping{{Certificate: der(1), User: "WAREHOUSE"}, {Certificate: der(2), User: "WAREHOUSE"}, {Certificate: der(3), User: "SHOP"}},
		Users:       []User{{"alice", "secret-of-alice"}},
		Credentials: []Credential{{Name: "backend", User: "BACKEND", Password: "secret-of-backend"}},
		Clients:     []Client{{ID: "1a2b-3c4d", Secret: "secret-of-client"}},
		Groups:      []Group{{"Senders", []string{"alice"}}},
		Roles:       []Assignment{{User: "WAREHOUSE", Role: DefaultRole}, {Group: "senders", Role: DefaultRole}},
		Channels: []Channel{
			{Address: "/http/orders"}, {Address: "/cxf/orders"}, {Address: "/cxf/Orders", Adapter: IDoc},
			{Address: "/http/all/*", CSRFProtected: true}, {Address: "/as2/as2/in"}, {Address: "/as2/mdn/in"},
			{Address: "/gw/odata/SAP/ORDERS", Answer: NoContent},
			{Address: "/http/table", Authorization: Authorization{Table: []DNPair{{"CN=a", "CN=b"}}}},
			{Address: "/http/old", OldAdapter: true},
		},
		Keystore: []KeystoreEntry{{"sap_cloudintegrationcertificate", der(9)}},
	}
}

func TestAGoodConfigurationHasNoProblems(t *testing.T) {
	assert.Empty(t, good().Validate())
	assert.Empty(t, Config{}.Validate(), "the zero value works")
	assert.Equal(t, Config{}, newTenant(t, Config{}).Config(), "and stays what it is")
}

// Each row changes one thing of a good configuration and names the one problem that follows.
func TestValidateNamesTheProblem(t *testing.T) {
	channel := func(change func(*Channel)) func(*Config) {
		return func(c *Config) { change(&c.Channels[0]) }
	}
	address := func(a string) func(*Config) { return channel(func(c *Channel) { c.Address = a }) }
	for name, row := range map[string]struct {
		change  func(*Config)
		path    string
		message string
	}{
		"account":              {func(c *Config) { c.Account = "e1/2" }, "account", "letters, digits, -, _ and . only"},
		"application":          {func(c *Config) { c.Application = "a/b" }, "application", "letters, digits, -, _ and . only"},
		"no address":           {address(""), "channels[0].address", "found none"},
		"no prefix":            {address("/orders"), "channels[0].address", `did you mean "/http/orders"?`},
		"no slash":             {address("orders"), "channels[0].address", "expected it to begin with /http/"},
		"prefix only":          {address("/http/"), "channels[0].address", "expected a name behind the prefix"},
		"blank":                {address("/http/or ders"), "channels[0].address", `found ' '`},
		"umlaut":               {address("/http/aufträge"), "channels[0].address", `found 'ä'`},
		"query":                {address("/http/orders?a=b"), "channels[0].address", `found '?'`},
		"star within":          {address("/http/a*b"), "channels[0].address", `only as a final "/*"`},
		"star not after slash": {address("/http/a*"), "channels[0].address", `only as a final "/*"`},
		"star in soap":         {address("/cxf/a/*"), "channels[0].address", `found '*'`},
		"empty segment":        {address("/http/a//b"), "channels[0].address", "no call can reach"},
		"empty before star":    {address("/http/a//*"), "channels[0].address", "no call can reach"},
		"dots":                 {address("/http/../b"), "channels[0].address", "no call can reach"},
		"slash at end of soap": {address("/cxf/b/"), "channels[0].address", "no call can reach"},
		"too long":             {address("/http/" + strings.Repeat("a", MaxAddress)), "channels[0].address", "expected 512 at most"},
		"other case, https":    {address("/http/OLD"), "channels[8].address", "is the address of channels[0] already"},
		"same address, soap":   {address("/cxf/orders"), "channels[1].address", "is the address of channels[0] already"},
		"below a star":         {address("/http/ALL/b"), "channels[0].address", `covered by "/http/all/*"`},
		"base of a star":       {address("/http/all"), "channels[0].address", `covered by "/http/all/*"`},
		"star below a star":    {address("/http/all/b/*"), "channels[0].address", `covered by "/http/all/*"`},
		"unknown adapter":      {channel(func(c *Channel) { c.Adapter = "FTP" }), "channels[0].adapter", "expected one of HTTPS, SOAP"},
		"adapter of another":   {channel(func(c *Channel) { c.Adapter = SOAP }), "channels[0].address", "expected the prefix of the SOAP adapter: /cxf/"},
		"answer":               {channel(func(c *Channel) { c.Answer = "maybe" }), "channels[0].answer", "expected one of echo, oneWay"},
		"body size":            {channel(func(c *Channel) { c.MaximumBodySize = -1 }), "channels[0].maximumBodySize", "found -1"},
		"csrf on soap":         {func(c *Config) { c.Channels[1].CSRFProtected = true }, "channels[1].csrfProtected", "HTTPS channels only"},
		"role and table": {channel(func(c *Channel) { c.Authorization = Authorization{UserRole: "x", Table: []DNPair{}} }),
			"channels[0].authorization", "only one of them"},
		"role of an old adapter": {channel(func(c *Channel) { c.OldAdapter = true; c.Authorization.UserRole = "x" }),
			"channels[0].authorization.userRole", "offers no role entry"},
		"table row":           {func(c *Config) { c.Channels[7].Authorization.Table[0].Subject = "warehouse" }, "channels[7].authorization.table[0]", `subject "warehouse"`},
		"empty table row":     {func(c *Config) { c.Channels[7].Authorization.Table[0] = DNPair{} }, "channels[7].authorization.table[0]", "neither subject nor issuer"},
		"mapped twice":        {func(c *Config) { c.Mappings[1].Certificate = der(1) }, "mappings[1].certificate", `to user "WAREHOUSE" in mappings[0] already; remove`},
		"mapped to two":       {func(c *Config) { c.Mappings[2].Certificate = der(1) }, "mappings[2].certificate", "one certificate maps to one user"},
		"mapped to nobody":    {func(c *Config) { c.Mappings[0].User = " " }, "mappings[0].user", "expected a name"},
		"no certificate":      {func(c *Config) { c.Mappings[0].Certificate = nil }, "mappings[0].certificate", "found nothing"},
		"pem":                 {func(c *Config) { c.Mappings[0].Certificate = []byte("-----BEGIN CERTIFICATE-----") }, "mappings[0].certificate", "found PEM text"},
		"rubbish":             {func(c *Config) { c.Mappings[0].Certificate = []byte("rubbish") }, "mappings[0].certificate", "is not the DER"},
		"something behind it": {func(c *Config) { c.Mappings[0].Certificate = append(der(1), 0) }, "mappings[0].certificate", "is not the DER"},
		"user with colon":     {func(c *Config) { c.Users[0].Name = "a:b" }, "users[0].name", "colon"},
		"user twice":          {func(c *Config) { c.Users = append(c.Users, c.Users[0]) }, "users[1].name", "stands already in users[0]"},
		"user with line feed": {func(c *Config) { c.Users[0].Name = "a\nb" }, "users[0].name", "control characters"},
		"credential":          {func(c *Config) { c.Credentials[0].Name = "" }, "credentials[0].name", "expected a name"},
		"client secret":       {func(c *Config) { c.Clients[0].Secret = "" }, "clients[0].secret", "anybody could fetch tokens"},
		"client scope":        {func(c *Config) { c.Clients[0].Scopes = []string{ScopeRead, "hcp.all"} }, "clients[0].scopes[1]", "expected one of hcp.manageAuthorizationSettings"},
		"client id as a line": {func(c *Config) { c.Clients[0].ID = "a\nb" }, "clients[0].id", "control characters"},
		"client id with a ~":  {func(c *Config) { c.Clients[0].ID = "a~b" }, "clients[0].id", "letters, digits"},
		"client id with a $":  {func(c *Config) { c.Clients[0].ID = "a$b" }, "clients[0].id", "letters, digits"},
		"client id":           {func(c *Config) { c.Clients[0].ID = "a b" }, "clients[0].id", "letters, digits"},
		"group twice":         {func(c *Config) { c.Groups = append(c.Groups, Group{Name: "SENDERS"}) }, "groups[1].name", "stands already in groups[0]"},
		"role of nobody":      {func(c *Config) { c.Roles[0].User = "" }, "roles[0]", "neither user nor group"},
		"role of both":        {func(c *Config) { c.Roles[0].Group = "Senders" }, "roles[0]", "only one of them"},
		"dangling group":      {func(c *Config) { c.Roles[1].Group = "Sender" }, "roles[1].group", `there is no group "Sender"`},
		"no role":             {func(c *Config) { c.Roles[0].Role = "" }, "roles[0].role", "expected a name"},
		"keystore": {func(c *Config) {
			c.Keystore = append(c.Keystore, KeystoreEntry{Alias: "SAP_cloudintegrationcertificate"})
		}, "keystore[1].alias", "stands already"},
		"alias": {func(c *Config) { c.Keystore[0].Alias = "" }, "keystore[0].alias", "expected a name"},
		"mapping store": {func(c *Config) {
			big := append([]byte{0x30, 0x83, 0x20, 0, 0}, bytes.Repeat([]byte{5, 0}, 1<<20)...)
			c.Mappings[0].Certificate = big
		}, "mappings", "the mapping store holds 2097152"},
		"credential twice":      {func(c *Config) { c.Credentials = append(c.Credentials, c.Credentials[0]) }, "credentials[1].name", "stands already in credentials[0]"},
		"client twice":          {func(c *Config) { c.Clients = append(c.Clients, c.Clients[0]) }, "clients[1].id", "stands already in clients[0]"},
		"group without a name":  {func(c *Config) { c.Groups = append(c.Groups, Group{}) }, "groups[1].name", "expected a name"},
		"member without a name": {func(c *Config) { c.Groups[0].Users = []string{"alice", ""} }, "groups[0].users[1]", "expected a name"},
		"user too long":         {func(c *Config) { c.Users[0].Name = strings.Repeat("a", maxName+1) }, "users[0].name", "expected"},
		"user not in UTF-8":     {func(c *Config) { c.Users[0].Name = "a\xff" }, "users[0].name", "not UTF-8"},
		"role of a bad user":    {func(c *Config) { c.Roles[0].User = "a\nb" }, "roles[0].user", "control characters"},
		"application of a role": {func(c *Config) { c.Roles[0].Application = "a/b" }, "roles[0].application", "letters, digits"},
		"flow":                  {channel(func(c *Channel) { c.Flow = "a\tb" }), "channels[0].flow", "control characters"},
		"name of a role":        {channel(func(c *Channel) { c.Authorization.UserRole = " " }), "channels[0].authorization.userRole", "expected a name"},
		"package":               {func(c *Config) { c.Packages = []Package{{ID: "a b"}} }, "packages[0].id", "letters, digits"},
		"package twice":         {func(c *Config) { c.Packages = []Package{{ID: "a"}, {ID: "a"}} }, "packages[1].id", "stands already in packages[0]"},
		"artifact":              {func(c *Config) { c.Artifacts = []Artifact{{Name: "a"}} }, "artifacts[0].id", "expected a name"},
		"artifact twice":        {func(c *Config) { c.Artifacts = []Artifact{{ID: "a"}, {ID: "a"}} }, "artifacts[1].id", "stands already in artifacts[0]"},
		"name of an artifact":   {func(c *Config) { c.Artifacts = []Artifact{{ID: "a", Name: "\n"}} }, "artifacts[0].name", "expected a name"},
		"version":               {func(c *Config) { c.Artifacts = []Artifact{{ID: "a", Version: "\n1"}} }, "artifacts[0].version", "control characters"},
		"package of nobody":     {func(c *Config) { c.Artifacts = []Artifact{{ID: "a", Package: "b"}} }, "artifacts[0].package", `there is no package "b"`},
		"content": {func(c *Config) { c.Artifacts = []Artifact{{ID: "a", Content: make([]byte, maxContent+1)}} },
			"artifacts[0].content", "has 67108865 bytes, expected 67108864 at most"},
		"parameters": {func(c *Config) {
			c.Artifacts = []Artifact{{ID: "a", Parameters: map[string]string{"k": strings.Repeat("a", maxParameters)}}}
		}, "artifacts[0].parameters", "have 1048577 bytes together, expected 1048576 at most"},
		"deployment":             {func(c *Config) { c.Deployments = []Deployment{{}} }, "deployments[0].flow", "expected a name"},
		"deployment twice":       {func(c *Config) { c.Deployments = []Deployment{{Flow: "a"}, {Flow: "a"}} }, "deployments[1].flow", "stands already in deployments[0]"},
		"deployment with error":  {func(c *Config) { c.Deployments = []Deployment{{Flow: "orders", Error: "x"}} }, "deployments[0].error", "which has channels"},
		"design of nothing":      {func(c *Config) { c.Designs = []Design{{Address: "/http/none"}} }, "designs[0].address", "no channel has the address"},
		"design twice":           {func(c *Config) { c.Designs = []Design{{Address: "/http/orders"}, {Address: "/http/ORDERS"}} }, "designs[1].address", "stands already in designs[0]"},
		"without design":         {func(c *Config) { c.WithoutDesign = []string{"none"} }, "withoutDesign[0]", "no channel belongs to a flow"},
		"without design twice":   {func(c *Config) { c.WithoutDesign = []string{"orders", "orders"} }, "withoutDesign[1]", "stands already in withoutDesign[0]"},
		"without design, but it": {func(c *Config) { c.Artifacts = []Artifact{{ID: "orders"}}; c.WithoutDesign = []string{"orders"} }, "withoutDesign[0]", "has a designtime artifact"},
		"application of a custom role": {func(c *Config) { c.ApplicationRoles = []ApplicationRole{{"a/b", "r"}} },
			"applicationRoles[0].application", "letters, digits"},
		"custom role": {func(c *Config) { c.ApplicationRoles = []ApplicationRole{{"a", ""}} }, "applicationRoles[0].name", "expected a name"},
		"custom role twice": {func(c *Config) { c.ApplicationRoles = []ApplicationRole{{"a", "r"}, {"a", "R"}, {"a", "r"}} },
			"applicationRoles[2]", "stands already in applicationRoles[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good()
			row.change(&c)
			problems := c.Validate()
			require.Len(t, problems, 1, "%v", problems)
			assert.Equal(t, row.path, problems[0].Path)
			assert.Contains(t, problems[0].Message, row.message)

			_, err := New(c, nil)
			assert.Equal(t, problems, Problems(err))
			assert.ErrorContains(t, err, row.path+": ")
		})
	}
}

// What is wrong with one mapping does not hide what is wrong with the next.
func TestEveryMappingIsChecked(t *testing.T) {
	c := Config{Mappings: []Mapping{{Certificate: []byte("x"), User: "A"}, {Certificate: der(1), User: "A"}, {Certificate: der(1), User: "A"}, {User: "A"}}}
	var paths []string
	for _, p := range c.Validate() {
		paths = append(paths, p.Path)
	}
	assert.Equal(t, []string{"mappings[0].certificate", "mappings[2].certificate", "mappings[3].certificate"}, paths)
}

func TestNamesMayBeUsedForThingsOfDifferentKinds(t *testing.T) {
	c := good()
	c.Users[0].Name, c.Credentials[0].Name, c.Clients[0].ID, c.Groups[0].Name, c.Roles[1].Group = "same", "same", "same", "same", "same"
	c.Keystore[0].Alias = "same"
	assert.Empty(t, c.Validate())
}

func TestProblemsOfAnError(t *testing.T) {
	problem := Problem{"users[0].name", "found nothing"}
	err := error(&ProblemsError{Problems: []Problem{problem, problem}})
	assert.EqualError(t, err, "the tenant's configuration is not accepted: users[0].name: found nothing\nusers[0].name: found nothing")
	assert.Equal(t, []Problem{problem, problem}, Problems(fmt.Errorf("deploying: %w", err)))
	assert.Nil(t, Problems(errors.New("another")))
	assert.Nil(t, Problems(nil))
}

// What is exactly as large as it may be is no problem.
func TestLimitsThatAreReached(t *testing.T) {
	c := good()
	c.Users[0].Name = strings.Repeat("a", maxName)
	c.Mappings[0].User = strings.Repeat("b", maxName)
	c.Channels[0].Address = "/http/" + strings.Repeat("a", MaxAddress-len("/http/"))
	c.Packages = []Package{{ID: "p"}}
	c.Artifacts = []Artifact{
		{ID: "a", Package: "p", Content: make([]byte, maxContent), Parameters: map[string]string{"k": strings.Repeat("a", maxParameters-1)}},
		{ID: "b", Package: LandscapePackage},
	}
	c.Deployments = []Deployment{{Flow: "orders"}, {Flow: "failed", Error: "it did not start"}}
	c.Designs = []Design{{Address: "/http/ALL/*"}}
	c.WithoutDesign = []string{"orders"}
	c.Channels[7].Authorization.Table = []DNPair{{Subject: "CN=a"}, {Issuer: "CN=b"}}
	assert.Empty(t, c.Validate())
}

func TestMappingStoreIsASetting(t *testing.T) {
	c := good()
	c.MappingStore = 23
	assert.Len(t, c.Validate(), 1, "three certificates of 8 bytes")
	c.MappingStore = 24
	assert.Empty(t, c.Validate())
	c.MappingStore = 1
	assert.Len(t, c.Validate(), 1)
	c.MappingStore = -1
	assert.Empty(t, c.Validate())
}

// Each channel has one problem at most of those that others make for it.
func TestEveryAddressIsToldOnce(t *testing.T) {
	for name, row := range map[string]struct {
		addresses string
		problems  []string
	}{
		"twice, and another twice":    {"/http/a /http/a /http/b /http/b", []string{"1 is the address of channels[0] already", "3 is the address of channels[2] already"}},
		"three times":                 {"/http/a /http/a /http/A", []string{"1 is the address of channels[0] already", "2 is the address of channels[0] already"}},
		"twice, before a star":        {"/http/a /http/a /http/b/* /http/b/c", []string{"1 is the address of channels[0] already", `3 is covered by "/http/b/*" of channels[2]`}},
		"twice below a star":          {"/http/a/* /http/a/b /http/a/b", []string{"2 is the address of channels[1] already", `1 is covered by "/http/a/*" of channels[0]`}},
		"a star where there are none": {"/cxf/a/* /cxf/a/b", []string{"0 expected letters"}},
		"a star in front of nothing":  {"/* /http/a", []string{"0 expected it to begin with /http/"}},
	} {
		t.Run(name, func(t *testing.T) {
			var c Config
			for address := range strings.FieldsSeq(row.addresses) {
				c.Channels = append(c.Channels, Channel{Address: address})
			}
			problems := c.Validate()
			require.Len(t, problems, len(row.problems), "%v", problems)
			for i, want := range row.problems {
				place, message, _ := strings.Cut(want, " ")
				assert.Equal(t, "channels["+place+"].address", problems[i].Path)
				assert.Contains(t, problems[i].Message, message)
			}
		})
	}
}

func TestEveryStarExcludesEverythingBelow(t *testing.T) {
	c := Config{Channels: []Channel{{Address: "/http/*"}, {Address: "/http/a"}, {Address: "/http/b/*"}, {Address: "/cxf/a"}}}
	var paths []string
	for _, p := range c.Validate() {
		paths = append(paths, p.Path)
	}
	assert.Equal(t, []string{"channels[1].address", "channels[2].address"}, paths)
	c.Channels = []Channel{{Address: "/http/a/*"}, {Address: "/http/ab"}, {Address: "/http/b"}, {Address: "/http/b/c"}, {Address: "/http/b/c/d/*"}}
	assert.Empty(t, c.Validate(), "a common beginning is not a common path, and only a star excludes")
}
