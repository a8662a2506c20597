package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxAudit is how many entries the audit log keeps; the oldest go first. [?] A choice.
const MaxAudit = 10_000

// maxAuditText bounds each text of an entry, in bytes.
const maxAuditText = 1024

// auditKind is the kind of the records of the audit log. They are no part of a snapshot.
const auditKind = "audit"

// AuditEntry is one administrative call.
type AuditEntry struct {
	// Time. Default: the tenant's clock.
	Time time.Time
	// User is who made the call, Action what was to be done ("create"), Object to what
	// ("CertificateUserMappings('…')"), Result how it ended ("success", "403 Forbidden").
	User, Action, Object, Result string
	// Detail is what else there is to say. It must hold no secret.
	Detail string
}

// auditLog keeps the newest entries. It is guarded by the tenant's lock.
type auditLog struct {
	entries []numbered // oldest first
	next    int64
}

type numbered struct {
	number int64
	entry  AuditEntry
}

func auditKey(number int64) string { return fmt.Sprintf("%016x", number) }

func (a *auditLog) load(r Record) error {
	n := numbered{number: r.Order}
	if err := json.Unmarshal(r.Data, &n.entry); err != nil {
		return fmt.Errorf("reading audit entry %q: %w", r.Key, err)
	}
	a.entries = append(a.entries, n)
	return nil
}

// loaded puts entries that were loaded in their order.
func (a *auditLog) loaded() {
	slices.SortFunc(a.entries, func(x, y numbered) int { return int(x.number - y.number) })
	if n := len(a.entries); n > 0 {
		a.next = a.entries[n-1].number + 1
	}
}

// Audit writes entries to the audit log; all of them are kept or, if the store fails, none. Texts that
// are too long are cut.
func (t *Tenant) Audit(entries ...AuditEntry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	entries = entries[max(0, len(entries)-MaxAudit):] // what comes in front of them would go at once
	var change Change
	next := t.audit.next
	fresh := make([]numbered, 0, len(entries))
	for _, e := range entries {
		if e.Time.IsZero() {
			e.Time = t.moment()
		}
		for _, text := range []*string{&e.User, &e.Action, &e.Object, &e.Result, &e.Detail} {
			*text = cut(*text)
		}
		data, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encoding an audit entry: %w", err)
		}
		change.Put = append(change.Put, Record{Kind: auditKind, Key: auditKey(next), Order: next, Data: data})
		fresh = append(fresh, numbered{next, e})
		next++
	}
	all := append(t.audit.entries, fresh...) // what a failed save leaves behind the end does not count
	over := max(0, len(all)-MaxAudit)
	for _, old := range all[:over] {
		change.Remove = append(change.Remove, RecordID{auditKind, auditKey(old.number)})
	}
	all = all[over:]
	if change.Empty() {
		return nil
	}
	if err := t.store.Save(context.Background(), change); err != nil {
		return fmt.Errorf("writing the audit log: %w", err)
	}
	t.audit.entries, t.audit.next = all, next
	return nil
}

// AuditLog lists the entries of the audit log, the oldest first.
func (t *Tenant) AuditLog() []AuditEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]AuditEntry, len(t.audit.entries))
	for i, n := range t.audit.entries {
		out[i] = n.entry
	}
	return out
}

func cut(s string) string {
	if len(s) > maxAuditText {
		s = s[:maxAuditText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
