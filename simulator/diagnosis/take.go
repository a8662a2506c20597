package diagnosis

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/systemlog"
)

// Kind says what a file of evidence was taken for.
type Kind string

// The kinds of files.
const (
	KindLog         Kind = "log"
	KindText        Kind = "text"
	KindChain       Kind = "chain"
	KindFlow        Kind = "integration flow"
	KindAssignments Kind = "assignments"
)

// Reader takes files into evidence. The zero value works for files without a password.
type Reader struct {
	// Password opens keystores.
	Password string
	// Parameters are values of the externalized parameters of integration flows.
	Parameters map[string]string
}

// Take adds a file or folder, whatever it is: logs, a chain or keystore of the sender, an exported
// integration flow, role assignments, or a text. It tells by the content, not by the name. What
// is wrong with a file is a document.Problems.
func (rd Reader) Take(e *Evidence, path string) (Kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", problem(path, "cannot be read: "+plainError(err))
	}
	if info.IsDir() {
		e.Logs = append(e.Logs, path)
		return KindLog, nil
	}
	head, err := beginning(path)
	if err != nil {
		return "", problem(path, "cannot be read: "+plainError(err))
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")):
		if _, err := systemlog.Open(path); errors.Is(err, systemlog.ErrNoLogs) {
			return KindFlow, rd.Flow(e, path)
		}
		e.Logs = append(e.Logs, path)
		return KindLog, nil
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), info.Size() > keystore.MaxSize:
		e.Logs = append(e.Logs, path)
		return KindLog, nil
	case isFlow(head):
		return KindFlow, rd.Flow(e, path)
	case isCertificates(head):
		return KindChain, rd.Chain(e, path)
	}
	if _, isLog := systemlog.ParseFileName(path); isLog {
		e.Logs = append(e.Logs, path)
		return KindLog, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", problem(path, "cannot be read: "+plainError(err))
	}
	name := filepath.Base(path)
	if looksLikeAssignments(data) {
		a, err := ReadAssignments(name, data)
		if err != nil {
			return "", err
		}
		e.Assignments = a
		return KindAssignments, nil
	}
	e.Texts = append(e.Texts, Text{Name: name, Data: data})
	return KindText, nil
}

func problem(path, message string) error { return document.Problems{{File: path, Message: message}} }

func plainError(err error) string {
	var failed *os.PathError
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}

// beginning reads what is needed to tell a file's kind.
func beginning(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := f.Read(head)
	if n == 0 && err != nil && err.Error() != "EOF" {
		return nil, err
	}
	return head[:n], nil
}

func isFlow(head []byte) bool {
	text := strings.TrimLeft(strings.TrimPrefix(string(head), "\xef\xbb\xbf"), " \r\n\t")
	return strings.HasPrefix(text, "<") && (strings.Contains(text, "bpmn2:definitions") || strings.Contains(text, "/BPMN/"))
}

// isCertificates tells PEM, DER and keystores by their beginnings. A text in which PEM stands far
// behind (the output of openssl s_client) is none.
func isCertificates(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \r\n\t")
	switch {
	case bytes.HasPrefix(text, []byte("-----BEGIN ")), bytes.HasPrefix(head, []byte("\xfe\xed\xfe\xed")):
		return true
	case bytes.HasPrefix(text, []byte("Bag Attributes")), bytes.HasPrefix(text, []byte("subject=")):
		return bytes.Contains(text, []byte("-----BEGIN "))
	}
	return len(head) > 4 && head[0] == 0x30 && head[1]&0x80 != 0 && head[1] <= 0x84
}

// looksLikeAssignments tells role assignments from other texts: a table with its columns, or a
// document with one of the lists.
func looksLikeAssignments(data []byte) bool {
	if _, ok := csvSeparator(data); ok {
		return true
	}
	for line := range strings.Lines(string(data[:min(len(data), 2000)])) {
		line = strings.TrimRight(line, " \r\n")
		switch line {
		case "roles:", "groups:", "mappings:", "users:", "credentials:":
			return true
		}
		if strings.HasPrefix(strings.TrimLeft(line, "{ "), `"roles"`) {
			return true
		}
	}
	return false
}

// Chain reads a chain or keystore of the sender.
func (rd Reader) Chain(e *Evidence, path string) error {
	store, err := rd.store(path)
	if err != nil {
		return err
	}
	e.Sender = &Chain{Name: filepath.Base(path), Store: store}
	return nil
}

// Mapped reads a certificate of the certificate-to-user mapping; "USER=FILE" names its user too.
func (rd Reader) Mapped(e *Evidence, argument string) error {
	user, path, named := strings.Cut(argument, "=")
	if !named {
		user, path = "", argument
	} else if _, err := os.Stat(argument); err == nil {
		user, path = "", argument // a file name with = in it
	}
	store, err := rd.store(path)
	if err != nil {
		return err
	}
	leaf := store.Leaf()
	if leaf == nil {
		return problem(path, "holds no certificate that can be read")
	}
	e.Mapped = append(e.Mapped, Mapped{Name: filepath.Base(path), User: user, DER: leaf.Raw})
	return nil
}

// TenantKeystore reads certificates of the tenant keystore.
func (rd Reader) TenantKeystore(e *Evidence, path string) error {
	store, err := rd.store(path)
	if err != nil {
		return err
	}
	e.Keystore = append(e.Keystore, store.RawChain...)
	return nil
}

func (rd Reader) store(path string) (*keystore.Store, error) {
	data, err := readBounded(path, keystore.MaxSize)
	if err != nil {
		return nil, err
	}
	store, err := keystore.Read(data, rd.Password)
	if err == nil && len(store.Presented) == 0 {
		err = errors.New("holds no certificate")
	}
	if errors.Is(err, keystore.ErrPasswordNeeded) {
		err = fmt.Errorf("%w: give it with --password-env or --password-file", err)
	}
	if err != nil {
		return nil, problem(path, err.Error())
	}
	return store, nil
}

// Flow reads an exported integration flow or package.
func (rd Reader) Flow(e *Evidence, path string) error {
	data, err := readBounded(path, iflow.MaxSize)
	if err != nil {
		return err
	}
	export, err := iflow.Read(filepath.Base(path), data, rd.Parameters)
	if err != nil {
		return err
	}
	e.Channels = append(e.Channels, export.Channels()...)
	for _, f := range export.AllFindings() {
		e.Notes = append(e.Notes, filepath.Base(path)+": "+f.String())
	}
	return nil
}

// Roles reads role assignments.
func (rd Reader) Roles(e *Evidence, path string) error {
	data, err := readBounded(path, document.MaxSize)
	if err != nil {
		return err
	}
	e.Assignments, err = ReadAssignments(path, data)
	return err
}

func readBounded(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, problem(path, "cannot be read: "+plainError(err))
	}
	if info.Size() > most {
		return nil, problem(path, fmt.Sprintf("has %d bytes, expected %d at most", info.Size(), most))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem(path, "cannot be read: "+plainError(err))
	}
	return data, nil
}
