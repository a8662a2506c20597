package tenant

import "bytes"

// MapCertificate is MapCertificateAs of nobody in particular.
func (t *Tenant) MapCertificate(certificate []byte, user string) error {
	return t.MapCertificateAs("", certificate, user)
}

// MapCertificateAs maps a certificate, given as its DER, to a user; by is the user who does so. One
// that is mapped already only changes its user, as when a mapping is posted again. [C: management
// interface of the tenant]
func (t *Tenant) MapCertificateAs(by string, certificate []byte, user string) error {
	return t.ChangeMappings(by, []Mapping{{Certificate: certificate, User: user}}, nil)
}

// ChangeMappings maps certificates to users, as MapCertificateAs does, and removes the mappings with
// the ids: all of it takes effect at once, or nothing of it. Of the mappings only Certificate and User
// count. An id that no mapping has is no error. Removing comes first.
func (t *Tenant) ChangeMappings(by string, add []Mapping, removeIDs []string) error {
	return t.change(func(s *Snapshot, d *draft) error {
		now := t.moment()
		v := &validation{}
		e := editorOf(d, mappingKind)
		total := s.mappingBytes
		for _, id := range removeIDs {
			id = lowerASCII(id)
			if old, ok := e.shards.get(id); ok && e.remove(id) {
				total -= int64(len(old.value.Certificate))
			}
		}
		for i, m := range add {
			next := Mapping{Certificate: bytes.Clone(m.Certificate), User: m.User, CreatedBy: by, Created: now, LastModifiedBy: by, LastModified: now}
			v.mapping(i, next)
			id := MappingID(next.Certificate)
			if old, ok := e.shards.get(id); !ok {
				total += int64(len(next.Certificate))
			} else if bytes.Equal(old.value.Certificate, next.Certificate) {
				next.Certificate, next.CreatedBy, next.Created = old.value.Certificate, old.value.CreatedBy, old.value.Created
			} else {
				v.sameID(i, id)
			}
			e.put(id, -1, next)
		}
		v.mappingStore(total, s.config.MappingStore)
		return v.err()
	})
}

// Unmap removes the mapping of a certificate and tells whether there was one.
func (t *Tenant) Unmap(certificate []byte) (removed bool) {
	// Removing cannot make a valid configuration invalid; a store that fails keeps the mapping.
	removed, _ = t.UnmapByID("", MappingID(certificate))
	return removed
}

// UnmapByID removes the mapping with the id (see MappingID) and tells whether there was one; by is
// the user who does so. The error is the store's.
func (t *Tenant) UnmapByID(by, id string) (removed bool, err error) {
	err = t.change(func(s *Snapshot, d *draft) error {
		removed = remove(d, mappingKind, lowerASCII(id))
		return nil
	})
	return removed && err == nil, err
}
