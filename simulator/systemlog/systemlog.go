// Package systemlog holds the two system logs of a runtime node: the HTTP access log and the LJS
// trace (the product calls the latter "CP default trace").
//
// What lives here is their form: lines and records are written (AccessLine, TraceRecord, Writer),
// read back from files, downloads and collections (ReadAccess, ReadTrace, OpenAll), and followed
// while a simulator runs (Dir). The package knows the two trace texts that are confirmed and the
// one that a knowledge base article quotes. It does not know when a line is due, which is for the
// runtime node to say, nor what the lines of a call mean together.
//
// Statements about the real system carry a mark: [C] confirmed by recordings or documentation,
// [I] inferred, [?] not known and therefore a choice made here.
package systemlog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Kind tells the two logs apart. Its values are the product's LogFileType [C].
type Kind string

const (
	// HTTP is the HTTP access log.
	HTTP Kind = "http"
	// Trace is the LJS trace.
	Trace Kind = "trace"
)

// prefix is how the names of the kind's files begin.
func (k Kind) prefix() string {
	if k == Trace {
		return "ljs_trace_"
	}
	return "http_access_"
}

const (
	nodeDigits = 7
	dateLayout = "2006-01-02"
)

// NodeID makes the id of an account's runtime node: seven lower-case hex digits [C: length and
// alphabet; how the real ones are made is not known]. The same account and index always give the
// same id.
func NodeID(account string, index int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "runtime node %d of %s", index, account))
	return hex.EncodeToString(sum[:])[:nodeDigits]
}

func validNode(node string) bool {
	if len(node) != nodeDigits {
		return false
	}
	for i := range len(node) {
		if c := node[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// File is what the name of a log file tells.
type File struct {
	// Name is the file's name without folders, as found: with ".gz" if it has that.
	Name string
	Kind Kind
	// Node is the id of the runtime node; empty where the name does not tell.
	Node string
	// Date is midnight UTC of the file's day; zero where the name does not tell.
	Date time.Time
}

// FileName is the name of a node's log file of the day (in UTC) in which at lies:
// http_access_<node>_<yyyy-mm-dd>.log or ljs_trace_<node>_<yyyy-mm-dd>.log [C].
func FileName(kind Kind, node string, at time.Time) string {
	return kind.prefix() + node + "_" + at.UTC().Format(dateLayout) + ".log"
}

// ParseFileName reads the name of a log file. Folders before the name are ignored, with either
// slash; a final ".gz" is accepted. The answer is false if the name is none of a log file.
func ParseFileName(name string) (File, bool) {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	for _, kind := range []Kind{HTTP, Trace} {
		rest, ok := strings.CutPrefix(name, kind.prefix())
		if !ok {
			continue
		}
		rest, ok = strings.CutSuffix(strings.TrimSuffix(rest, ".gz"), ".log")
		if !ok || len(rest) != nodeDigits+1+len(dateLayout) || rest[nodeDigits] != '_' || !validNode(rest[:nodeDigits]) {
			return File{}, false
		}
		date, err := time.Parse(dateLayout, rest[nodeDigits+1:])
		if err != nil {
			return File{}, false
		}
		return File{Name: name, Kind: kind, Node: rest[:nodeDigits], Date: date}, true
	}
	return File{}, false
}
