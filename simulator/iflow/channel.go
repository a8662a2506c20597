package iflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/gatehouse/simulator/tenant"
)

// maxDetail bounds what is shown of a value in a finding, in characters.
const maxDetail = 120

// adapterKind says how the channels of one ComponentType are written down.
type adapterKind struct {
	component string
	// byProtocol gives the adapter for the message protocol; the empty protocol is the default.
	byProtocol map[string]tenant.Adapter
	// addresses are the properties that may hold the address; the first that is there counts.
	addresses []string
	// authorization is the property that says who may send; roleBased and certificate its values.
	authorization, roleBased, certificate string
}

const (
	senderAuthType = "senderAuthType"
	roleBased      = "RoleBased"
	certificate    = "ClientCertificate"
)

// kinds of channels that HTTP calls reach [C: exported flows], where not marked otherwise.
var kinds = []adapterKind{
	{"HTTPS", map[string]tenant.Adapter{"": tenant.HTTPS}, []string{"urlPath"}, senderAuthType, roleBased, certificate},
	// That the protocol tells SOAP 1.x and SAP RM apart is [I]: nothing else in the channel could.
	{"SOAP", map[string]tenant.Adapter{"": tenant.SOAP, "SAP RM": tenant.SOAPSAPRM}, []string{"address"}, senderAuthType, roleBased, certificate},
	{"IDOC", map[string]tenant.Adapter{"": tenant.IDoc}, []string{"address"}, senderAuthType, roleBased, certificate},
	{"AS2", map[string]tenant.Adapter{"": tenant.AS2, "AS2 MDN": tenant.AS2MDN}, []string{"address"}, senderAuthType, roleBased, certificate}, // protocol: [I] as above
	{"XI", map[string]tenant.Adapter{"": tenant.XI}, []string{"address", "Address_inbound"}, senderAuthType, roleBased, certificate},
	{"ODataSender", map[string]tenant.Adapter{"": tenant.OData}, nil, "authentication", "basic", "certificate"},
}

// pollers are sender channels that fetch, or that other flows call: no HTTP call reaches them.
var pollers = []string{
	"SFTP", "FTP", "Mail", "JMS", "ProcessDirect", "SuccessFactors", "Ariba", "AMQP", "Kafka", "Facebook", "Twitter",
	"JDBC", "RabbitMQ", "AdvancedEventMesh", "Data Store", "DataStore", "HCIOData", "AzureStorage", "AmazonWebServices", "SMB",
}

// channels makes the sender channels of a flow.
func (r *reader) channels(flow *Flow, file string, m model, properties []property) {
	b := &builder{flow: flow, file: file, model: m, given: r.given, values: map[string]Parameter{}}
	b.parameters(properties)
	for _, e := range m.messageFlows {
		if direction, _ := e.get("direction"); strings.EqualFold(strings.TrimSpace(direction), "Sender") {
			b.channel(e)
		}
	}
	b.finish()
}

// builder makes the channels of one flow.
type builder struct {
	flow  *Flow
	file  string
	model model
	given map[string]string

	values  map[string]Parameter
	element element // the channel that is being made
	missing bool    // something of it could not be resolved
}

func (b *builder) find(key, format string, args ...any) {
	b.flow.Findings = append(b.flow.Findings, Finding{File: b.file, Key: clip(key), Message: fmt.Sprintf(format, args...)})
}

// say is find for the channel that is being made.
func (b *builder) say(key, format string, args ...any) {
	b.find(key, "channel %q: %s", short(b.name()), fmt.Sprintf(format, args...))
}

func (b *builder) name() string {
	for _, name := range []string{b.element.name, b.element.id} {
		if name != "" {
			return name
		}
	}
	return "unnamed"
}

func short(s string) string {
	if runes := []rune(clip(s)); len(runes) > maxDetail {
		return string(runes[:maxDetail-1]) + "…"
	}
	return clip(s)
}

// channel adds the channel of a message flow, unless it cannot be told how it would behave.
func (b *builder) channel(e element) {
	b.element, b.missing = e, false
	for _, key := range e.repeated {
		b.say(key, "stands there more than once; the first value counts")
	}
	component := strings.TrimSpace(b.value("ComponentType"))
	i := slices.IndexFunc(kinds, func(k adapterKind) bool { return strings.EqualFold(k.component, component) })
	if i < 0 {
		b.unknown(component)
		return
	}
	kind := kinds[i]
	c := tenant.Channel{Adapter: kind.adapter(b.value("MessageProtocol")), Flow: b.flow.ID}
	c.Address = b.address(kind, c.Adapter)
	b.authorize(kind, &c)
	if c.Adapter == tenant.HTTPS {
		c.CSRFProtected = b.csrf()
	}
	c.MaximumBodySize = b.bodySize()
	if b.missing {
		return // and the findings say why
	}
	if problems := (tenant.Config{Channels: []tenant.Channel{c}}).Validate(); len(problems) > 0 {
		for _, p := range problems {
			b.say(kind.keyOf(p.Path), "%s; the channel is left out", p.Message)
		}
		return
	}
	b.flow.Channels = append(b.flow.Channels, c)
}

func (b *builder) unknown(component string) {
	switch {
	case component == "":
		b.say("ComponentType", "found nothing, expected the name of an adapter such as HTTPS; the channel is left out")
	case strings.EqualFold(component, "AS4"):
		b.say("ComponentType", "the endpoints of the AS4 adapter are not simulated; the channel is left out")
	case slices.ContainsFunc(pollers, func(p string) bool { return strings.EqualFold(p, component) }):
		// It is no endpoint, and nobody expects it to be one.
	default:
		b.say("ComponentType", "the adapter %q is not known here as one that HTTP calls reach; the channel is left out", short(component))
	}
}

func (k adapterKind) adapter(protocol string) tenant.Adapter {
	for name, adapter := range k.byProtocol {
		if name != "" && strings.EqualFold(name, strings.TrimSpace(protocol)) {
			return adapter
		}
	}
	return k.byProtocol[""]
}

// keyOf is the property that the field of a channel comes from.
func (k adapterKind) keyOf(path string) string {
	switch {
	case strings.HasSuffix(path, ".address") && len(k.addresses) > 0:
		return k.addresses[0]
	case strings.HasSuffix(path, ".userRole"):
		return "userRole"
	case strings.Contains(path, ".table"):
		return "clientCertificates"
	case strings.HasSuffix(path, ".maximumBodySize"):
		return "maximumBodySize"
	}
	return ""
}

// value is a property with its parameters resolved; empty if it is not there.
func (b *builder) value(key string) string {
	value, _ := b.lookup(key)
	return value
}

// lookup is value; ok tells whether the property is there and could be resolved.
func (b *builder) lookup(key string) (value string, ok bool) {
	raw, there := b.element.get(key)
	if !there {
		return "", false
	}
	value, missing := b.resolve(raw)
	for _, name := range missing {
		b.say(key, "the parameter %q has no value in parameters.prop, and none was given", short(name))
	}
	return value, len(missing) == 0
}

// demand is lookup for what a channel cannot be without: unresolved, the channel is left out.
func (b *builder) demand(key string) string {
	value, ok := b.lookup(key)
	if _, there := b.element.get(key); there && !ok && !b.missing {
		b.missing = true
		b.say(key, "without it nobody can tell how the channel behaves; it is left out")
	}
	return value
}

// address is the full path of the channel.
func (b *builder) address(kind adapterKind, adapter tenant.Adapter) string {
	prefix := adapter.Prefix()
	if len(kind.addresses) == 0 {
		// The path of an OData service is not in the channel [C: the table of adapters has none].
		address := prefix + "/SAP/" + b.flow.ID
		b.say("", "an OData channel does not hold its address; %s, made from the flow's id, stands in for it", short(address))
		return address
	}
	for _, key := range kind.addresses {
		if _, there := b.element.get(key); !there {
			continue
		}
		address := strings.TrimSpace(b.demand(key))
		if address == "" && !b.missing {
			b.missing = true
			b.say(key, "found nothing, expected an address such as /orders; the channel is left out")
		}
		if !strings.HasPrefix(address, "/") && !b.missing {
			b.say(key, "found %q, expected it to begin with /; one is put before it", short(address))
			address = "/" + address
		}
		return prefix + address
	}
	b.missing = true
	b.say(kind.addresses[0], "is not there, expected the address; the channel is left out")
	return ""
}

// authorize sets who may send.
func (b *builder) authorize(kind adapterKind, c *tenant.Channel) {
	if _, there := b.element.get(kind.authorization); !there {
		b.old(c)
		return
	}
	switch value := strings.TrimSpace(b.demand(kind.authorization)); {
	case b.missing:
	case strings.EqualFold(value, kind.roleBased):
		c.Authorization.UserRole = strings.TrimSpace(b.demand("userRole"))
	case strings.EqualFold(value, kind.certificate):
		raw, _ := b.element.get("clientCertificates")
		c.Authorization.Table = b.table(raw)
	default:
		b.missing = true
		b.say(kind.authorization, "found %q, expected %s or %s; the channel is left out", short(value), kind.roleBased, kind.certificate)
	}
}

// old is the authorization of channels of old adapter versions, which hold it on the sender
// participant and offer no role entry: the default role applies [C: the blog]. A table on the
// participant counts as one in the channel [I: where else could it].
func (b *builder) old(c *tenant.Channel) {
	if _, there := b.element.get("userRole"); there {
		c.Authorization.UserRole = strings.TrimSpace(b.demand("userRole"))
		return
	}
	c.OldAdapter = true
	participant, ok := b.participant()
	if !ok {
		b.say("", "names no authorization and no sender participant that could hold it; as for an old adapter version, the default role %s applies", tenant.DefaultRole)
		return
	}
	basic, _ := participant.get("enableBasicAuthentication")
	basic, _ = b.resolve(basic)
	if basic = strings.TrimSpace(basic); strings.EqualFold(basic, "true") || basic == "1" {
		return
	}
	if raw, there := participant.get("clientCertificates"); there && strings.TrimSpace(raw) != "" {
		c.Authorization.Table = b.table(raw)
	}
}

// participant is the sender that the channel comes from.
func (b *builder) participant() (element, bool) {
	if p, ok := b.model.participants[b.element.source]; ok {
		return p, true
	}
	system := strings.TrimSpace(b.value("system"))
	for _, p := range b.model.participants {
		if system != "" && p.name == system {
			return p, true
		}
	}
	return element{}, false
}

// csrf is whether the channel is CSRF protected, on by default [C].
func (b *builder) csrf() bool {
	raw, there := b.element.get("xsrfProtection")
	if !there || raw == "" {
		return true
	}
	value, ok := b.lookup("xsrfProtection")
	switch value = strings.TrimSpace(value); {
	case !ok:
	case value == "0", strings.EqualFold(value, "false"):
		return false
	case value == "1", strings.EqualFold(value, "true"):
		return true
	default:
		b.say("xsrfProtection", "found %q, expected 0 or 1", short(value))
	}
	b.say("xsrfProtection", "the channel is CSRF protected, as channels are by default")
	return true
}

// maxBodyMB bounds the body limit of a channel, in MB: 2 GB. [?] A choice.
const maxBodyMB = 2048

// bodySize is the body limit in bytes; 0 is the default, 40 MB [C].
func (b *builder) bodySize() int64 {
	raw, there := b.element.get("maximumBodySize")
	if !there || strings.TrimSpace(raw) == "" {
		return 0
	}
	value, ok := b.lookup("maximumBodySize")
	if ok {
		value = strings.TrimSpace(value)
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 1 && n <= maxBodyMB {
			return n << 20
		}
		if value != "" {
			b.say("maximumBodySize", "found %q, expected a number of MB from 1 to %d", short(value), maxBodyMB)
		}
	}
	b.say("maximumBodySize", "the default of 40 MB applies")
	return 0
}
