package target

import "slices"

// The features of targets. A scenario that needs one carries the tag @needs-<feature>.
const (
	GoodSender   = "good-sender"
	MintTrusted  = "mint-trusted"
	Mappings     = "mappings"
	Roles        = "roles"
	Users        = "users"
	OAuthClients = "oauth-clients"
	Credentials  = "credentials"
	Keystore     = "keystore"
	Channels     = "channels"
	Echo         = "echo"
	Clock        = "clock"
	AccessLog    = "access-log"
	Trace        = "trace"
	Stations     = "stations"
	Nodes        = "nodes"
	Domains      = "domains"
	Limits       = "limits"
	Landscape    = "landscape"
	CustomTrust  = "custom-trust"
)

// TagPrefix and a feature make the tag of a scenario that needs it, without "@".
const TagPrefix = "needs-"

// About says of a feature what it means.
type About struct {
	Feature string
	// Meaning completes "the target …".
	Meaning string
}

var features = []About{
	{GoodSender, "has a sender that is let in: one that is minted, or a key pair that its document declares"},
	{MintTrusted, "trusts a CA of whose private key a certificate can be minted for a sender"},
	{Mappings, "lets certificate-to-user mappings be added and removed"},
	{Roles, "lets roles be assigned to users and groups, and be taken away"},
	{Users, "has users of the identity provider whose passwords are known"},
	{OAuthClients, "has OAuth clients whose secrets are known"},
	{Credentials, "lets User Credentials artifacts be deployed"},
	{Keystore, "lets certificates be put into the tenant keystore"},
	{Channels, "has, or lets one deploy, sender channels beside the one of every scenario"},
	{Echo, "has a flow behind /http/orders that answers GET with what reached it"},
	{Clock, "has a clock that can be moved"},
	{AccessLog, "lets its HTTP access logs be read"},
	{Trace, "lets its LJS traces be read"},
	{Stations, "tells where on its way a call was refused, and why: by its own record, or by what its logs show"},
	{Nodes, "has runtime nodes that can be counted, and taken up and down"},
	{Domains, "has custom domains"},
	{Limits, "has limits that a scenario may set, and takes connections that try them"},
	{Landscape, "reads landscape documents, and lets the whole mapping store be replaced"},
	{CustomTrust, "lets the trust list of its load balancer be changed"},
}

// Features lists all features, in the order in which documents and pages show them.
func Features() []About { return slices.Clone(features) }

// Known tells whether there is a feature of that name.
func Known(feature string) bool {
	return slices.ContainsFunc(features, func(a About) bool { return a.Feature == feature })
}

// Names lists the names of all features.
func Names() []string {
	out := make([]string, len(features))
	for i, a := range features {
		out[i] = a.Feature
	}
	return out
}
