package iflow

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"example.com/gatehouse/simulator/tenant"
)

// The cells of a row of a channel's table. [C: exported flows]
const (
	subjectCell = "clientCertificate.subjectDN"
	issuerCell  = "clientCertificate.issuerDN"
	tableKey    = "clientCertificates"
)

// maxRows bounds the table of one channel. [?] A choice.
const maxRows = 10_000

// table makes the table of a channel from its rows, which are XML within a value of the XML. A row
// that cannot be resolved or read is left out: it lets nobody in. The result is never nil, for a
// channel with Client Certificate authorization and an empty table lets nobody in either.
func (b *builder) table(raw string) []tenant.DNPair {
	out := []tenant.DNPair{}
	// The whole table may be a parameter. Parameters in its cells are put there after the XML has
	// been read, so that a value with a < or & in it cannot spoil the table.
	text, missing := raw, []string(nil)
	if !strings.Contains(raw, "<") {
		if text, missing = b.resolve(raw); len(missing) > 0 {
			b.say(tableKey, "the parameter %q has no value in parameters.prop, and none was given; the table is empty, and nobody gets in by it", short(missing[0]))
			return out
		}
	}
	pairs, err := parseRows(text)
	if err != nil {
		b.say(tableKey, "%v; what follows is left out", err)
	}
	for i, pair := range pairs {
		subject, missing := b.resolve(pair.Subject)
		issuer, missingToo := b.resolve(pair.Issuer)
		pair = tenant.DNPair{Subject: strings.TrimSpace(subject), Issuer: strings.TrimSpace(issuer)}
		switch missing = append(missing, missingToo...); {
		case len(missing) > 0:
			b.say(tableKey, "row %d: the parameter %q has no value in parameters.prop, and none was given; the row is left out", i+1, short(missing[0]))
		case pair.Subject == "" && pair.Issuer == "":
			b.say(tableKey, "row %d is empty; it is left out", i+1)
		default:
			problems := (tenant.Config{Channels: []tenant.Channel{{Address: "/http/row", Authorization: tenant.Authorization{Table: []tenant.DNPair{pair}}}}}).Validate()
			if len(problems) > 0 {
				b.say(tableKey, "row %d: %s; the row is left out", i+1, short(problems[0].Message))
				continue
			}
			out = append(out, pair)
		}
	}
	if len(out) == 0 {
		b.say(tableKey, "the table is empty: nobody gets in by it")
	}
	return out
}

// parseRows reads <row><cell id='clientCertificate.subjectDN'>…</cell>…</row>, any number of them.
func parseRows(text string) ([]tenant.DNPair, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var out []tenant.DNPair
	var row *tenant.DNPair
	var cell strings.Builder
	id, depth := "", 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			if syntax := (*xml.SyntaxError)(nil); errors.As(err, &syntax) {
				return out, fmt.Errorf("row %d is not well-formed XML: %s", len(out)+1, syntax.Msg)
			}
			return out, fmt.Errorf("row %d: %w", len(out)+1, err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return out, errors.New("found a document type or declaration (<!…>), which no table has")
		case xml.StartElement:
			depth++
			switch {
			case depth == 1 && t.Name.Local == "row":
				if len(out) == maxRows {
					return out, fmt.Errorf("has more than %d rows", maxRows)
				}
				row = &tenant.DNPair{}
			case depth == 2 && t.Name.Local == "cell" && row != nil:
				id = attribute(t, "id")
				cell.Reset()
			case depth > 2:
				return out, fmt.Errorf("row %d: found the element %q within a cell, expected text", len(out)+1, short(t.Name.Local))
			default:
				return out, fmt.Errorf("found the element %q, expected row with cells", short(t.Name.Local))
			}
		case xml.CharData:
			if depth == 2 {
				cell.Write(t)
			}
		case xml.EndElement:
			depth--
			switch {
			case depth == 1 && id == subjectCell:
				row.Subject = strings.TrimSpace(cell.String())
			case depth == 1 && id == issuerCell:
				row.Issuer = strings.TrimSpace(cell.String())
			case depth == 0:
				out = append(out, *row)
				row = nil
			}
			if depth == 1 {
				id = ""
			}
		}
	}
}
