// Package guide answers the question that people ask most: which file goes where. It makes the
// README.txt of a folder of test certificates: what each file is, who gets it (the sender, the
// tenant, the load balancer, nobody), and with which command or menu, with the names of these
// very files.
//
// What is not here: the files (package keystore), and the folder (package folder). It explains
// what was just made; package inspect explains a file that somebody has.
package guide

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// Item is a certificate with the files that were written of it.
type Item struct {
	Certificate *pki.Certificate
	Files       []keystore.File
}

// maxSenders bounds the senders whose commands are spelt out.
const maxSenders = 10

// Readme is the content of README.txt for a folder with these files: plain text, UTF-8, lines ended
// by a line feed. It is a function of its arguments alone. made is the day that it names; zero:
// none. It holds no password and nothing of a key.
func Readme(items []Item, made time.Time) []byte {
	p := &page{}
	p.head("Which file goes where")
	on := ""
	if !made.IsZero() {
		on = " on " + made.UTC().Format("2 January 2006")
	}
	p.text(fmt.Sprintf("These are test certificates, made by gatehouse%s. Their keys are for tests and protect nothing: nothing outside of a test may trust them.", on))
	p.text("The sender is the system that calls. The tenant is where the integration flow runs. The load balancer stands before the tenant, ends TLS and decides whether a certificate is accepted.")

	p.section("The files")
	p.table(items)

	var senders, requests, roots, defective []Item
	for _, item := range items {
		switch {
		case roleOf(item.Certificate) == rootRole:
			roots = append(roots, item)
		case roleOf(item.Certificate) == senderRole && item.hasKey():
			senders = append(senders, item)
		case roleOf(item.Certificate) == senderRole:
			requests = append(requests, item)
		}
		if item.Certificate.Defect() != "" {
			defective = append(defective, item)
		}
	}
	if len(senders) > 0 {
		p.section("To the sender")
		p.text("The sender must present its own certificate and those of the issuing CAs, since the load balancer holds only roots. A certificate without its private key is of no use to a sender. In the commands HOST is the host of the tenant's runtime node, ADDRESS the address of the channel, and PASSWORD an environment variable with the password of the files.")
		for i, item := range senders {
			if i == maxSenders {
				p.text(fmt.Sprintf("The other %d senders: as above, with the names of their files.", len(senders)-maxSenders))
				break
			}
			p.sender(item)
		}
	}
	if len(requests) > 0 {
		p.section("To the sender that made the request")
		p.text("There is no private key here: it is where the signing request was made. The answer to the request goes there and nowhere else.")
		for i, item := range requests {
			if i == maxSenders {
				p.text(fmt.Sprintf("The other %d: as above, with the names of their files.", len(requests)-maxSenders))
				break
			}
			p.answer(item)
		}
	}
	all := slices.Concat(senders, requests)
	p.tenant(all)
	p.loadBalancer(roots, all)
	p.nobody(items)
	p.defects(defective, items)
	return p.out.Bytes()
}

// page is the text as it grows.
type page struct{ out bytes.Buffer }

// width is the width of running text. Commands and names of files are not broken.
const width = 96

func (p *page) head(title string) {
	fmt.Fprintf(&p.out, "%s\n%s\n", title, strings.Repeat("=", len([]rune(title))))
}

func (p *page) section(title string) {
	fmt.Fprintf(&p.out, "\n\n%s\n%s\n", title, strings.Repeat("-", len([]rune(title))))
}

func (p *page) text(text string) {
	p.out.WriteByte('\n')
	p.wrap("", "", text)
}

// item is a paragraph that hangs behind a label.
func (p *page) item(label, text string) {
	p.out.WriteByte('\n')
	p.wrap("  "+label+": ", "    ", text)
}

// command is a line to be copied.
func (p *page) command(line string) { fmt.Fprintf(&p.out, "    %s\n", line) }

func (p *page) wrap(first, others, text string) {
	line := first
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > width {
			p.out.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = others, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	p.out.WriteString(strings.TrimRight(line, " ") + "\n")
}

// quoted is a file name for a shell. Names with blanks work everywhere, others that mean something
// to a shell are quoted as POSIX has it. None is taken for an option.
func quoted(name string) string {
	if strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	special := func(r rune) bool {
		alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !alphanumeric && !strings.ContainsRune("./_-+@", r) && r < 0x80
	}
	switch {
	case !strings.ContainsFunc(name, special):
		return name
	case !strings.ContainsFunc(name, func(r rune) bool { return special(r) && r != ' ' }):
		return `"` + name + `"`
	default:
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
}
