package diagnosis

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"example.com/gatehouse/simulator/systemlog"
)

// MaxText is how large a pasted text may be, in bytes; of a longer one the rest is not read.
const MaxText = 16 << 20

// pasted is what stands in a pasted text.
type pasted struct {
	lines   []placedLine
	records []placedRecord
	// rest are the lines that are neither, with their numbers.
	rest   []Quote
	mended int
}

type placedLine struct {
	systemlog.AccessLine
	node  string
	quote Quote
}

type placedRecord struct {
	systemlog.TraceRecord
	node  string
	quote Quote
}

// mostJoined is over how many lines a mail program may have broken one.
const (
	mostJoined  = 12
	joinedBytes = 64 << 10
)

// readPasted finds access log lines and trace records in a text that somebody copied: lines that a
// mail program broke or put "> " before, typographic dashes, quotation marks and blanks as blogs
// make them, and the blog's short form of the access log. node is that of the file's name, if it
// tells.
func readPasted(t Text, node string) pasted {
	data := t.Data[:min(len(t.Data), MaxText)]
	var out pasted
	raw := strings.Split(strings.ToValidUTF8(string(data), "\uFFFD"), "\n")
	lines := make([]string, len(raw))
	changed := make([]bool, len(raw))
	for i, line := range raw {
		line = strings.TrimSuffix(line, "\r")
		lines[i] = plainLine(line)
		changed[i] = lines[i] != line
	}
	for i := 0; i < len(lines); {
		if strings.TrimSpace(lines[i]) == "" {
			i++
			continue
		}
		line, record, used := recognise(lines[i:])
		quote := Quote{File: t.Name, Line: int64(i + 1)}
		for _, c := range changed[i : i+max(used, 1)] {
			if c || used > 1 && line != nil {
				out.mended++
				break
			}
		}
		switch {
		case line != nil:
			quote.Text = line.String()
			out.lines = append(out.lines, placedLine{*line, node, quote})
		case record != nil:
			quote.Text = record.String()
			out.records = append(out.records, placedRecord{*record, node, quote})
		default:
			quote.Text = lines[i]
			out.rest = append(out.rest, quote)
			used = 1
		}
		i += used
	}
	return out
}

// recognise reads the line or record that begins with the first line, over as many lines as it
// takes.
func recognise(lines []string) (*systemlog.AccessLine, *systemlog.TraceRecord, int) {
	first := strings.TrimSpace(lines[0])
	access := beginsAccess(first)
	if !access && !beginsTrace(first) {
		return nil, nil, 0
	}
	// A line that was broken at a blank lost it; one that was broken within a word did not.
	with, without, feeds := first, first, first
	for used := 1; ; used++ {
		if access {
			for _, text := range []string{with, without} {
				// A short line may be the beginning of a full one.
				if l, err := systemlog.ParseAccessLine(text); err == nil && !(l.Short && continues(lines, used)) {
					return &l, nil, used
				}
			}
		} else if strings.HasSuffix(feeds, "|") {
			for _, text := range []string{feeds, with, without} {
				if r, err := systemlog.ParseTraceRecord(text); err == nil {
					return nil, betterRecord(&r, with, without), used
				}
			}
		}
		if used == len(lines) || used == mostJoined && access || used == 10*mostJoined || len(feeds) > joinedBytes {
			return nil, nil, 0
		}
		next := strings.TrimSpace(lines[used])
		if beginsAccess(next) || beginsTrace(next) {
			return nil, nil, 0
		}
		with, without, feeds = with+" "+next, without+next, feeds+"\n"+next
	}
}

// continues tells whether the line after may be the rest of the one before.
func continues(lines []string, used int) bool {
	if used >= len(lines) {
		return false
	}
	next := strings.TrimSpace(lines[used])
	return next != "" && !beginsAccess(next) && !beginsTrace(next) && (next[0] == '-' || next[0] >= '0' && next[0] <= '9')
}

// betterRecord prefers the reading of a broken record in which a text that is known stands whole.
func betterRecord(r *systemlog.TraceRecord, with, without string) *systemlog.TraceRecord {
	if known(r.Text) {
		return r
	}
	for _, text := range []string{with, without} {
		if other, err := systemlog.ParseTraceRecord(text); err == nil && known(other.Text) {
			return &other
		}
	}
	return r
}

func known(text string) bool {
	_, _, table := systemlog.ParseNotInTable(text)
	_, status := systemlog.ParseCertificateStatus(text)
	_, received := systemlog.ParseCertificateReceived(text)
	return table || status || received
}

// beginsAccess tells whether an access log line begins so: with an address, and then another in
// parentheses or a dash.
func beginsAccess(line string) bool {
	first, rest, ok := strings.Cut(line, " ")
	if !ok || len(first) < 2 || len(first) > 64 || strings.Trim(first, "0123456789abcdefABCDEF.:%") != "" || !strings.ContainsAny(first, ".:") {
		return false
	}
	return strings.HasPrefix(rest, "(") || strings.HasPrefix(rest, "- ")
}

// beginsTrace tells whether a trace record begins so.
func beginsTrace(line string) bool {
	const shape = "dddd dd dd dd:dd:dd#"
	if len(line) < len(shape) {
		return false
	}
	for i := range len(shape) {
		if c := line[i]; shape[i] == 'd' && (c < '0' || c > '9') || shape[i] != 'd' && c != shape[i] {
			return false
		}
	}
	return true
}

// plainLine undoes what programs for texts do to a line.
func plainLine(line string) string {
	plain := true
	for _, r := range line {
		if r >= utf8.RuneSelf || r < ' ' {
			plain = false
			break
		}
	}
	if !plain {
		line = strings.Map(func(r rune) rune {
			switch r {
			case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2212', '\ufe58', '\ufe63', '\uff0d':
				return '-'
			case '\u2018', '\u2019', '\u201a', '\u201b':
				return '\''
			case '\u201c', '\u201d', '\u201e', '\u201f':
				return '"'
			case '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad':
				return -1
			case '\t':
				return ' '
			}
			if unicode.Is(unicode.Zs, r) {
				return ' '
			}
			return r
		}, line)
	}
	// A quotation in a mail.
	for strings.HasPrefix(line, ">") {
		rest := strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
		if !strings.HasPrefix(rest, ">") && !beginsAccess(strings.TrimSpace(rest)) && !beginsTrace(strings.TrimSpace(rest)) && !looksBroken(rest) {
			break // curl -v marks what it sends so
		}
		line = rest
	}
	return line
}

// looksBroken tells whether the text may be the rest of a log line that was broken.
func looksBroken(text string) bool {
	return strings.Contains(text, ":443 ") || strings.Contains(text, "HTTP/1.1 ") && !strings.HasSuffix(text, "HTTP/1.1") ||
		strings.HasSuffix(text, "|") || strings.Contains(text, "+0000]")
}
