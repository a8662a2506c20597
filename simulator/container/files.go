package container

import (
	"archive/tar"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Limits of what is read out of a container.
const (
	maxFile  = 64 << 20
	maxFiles = 10_000
)

// Root is the root certificate above the load balancer's: what a sender must trust.
func (c *Container) Root(ctx context.Context) (*x509.Certificate, error) {
	return c.root(ctx, "load-balancer")
}

// ManagementRoot is the root certificate above that of the tenant's own interfaces.
func (c *Container) ManagementRoot(ctx context.Context) (*x509.Certificate, error) {
	return c.root(ctx, "management")
}

func (c *Container) root(ctx context.Context, of string) (*x509.Certificate, error) {
	data, err := c.read(ctx, path.Join(keysFolder, of, "root.pem"))
	if err != nil {
		return nil, fmt.Errorf("reading the root of %s: %w", of, err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("reading the root of %s: it is no PEM", of)
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the root of %s: %w", of, err)
	}
	return root, nil
}

// KeyPair is the key pair, with its whole chain, of a certificate that a sender of the landscape
// has.
func (c *Container) KeyPair(ctx context.Context, certificate string) (tls.Certificate, error) {
	if certificate == "" || strings.ContainsAny(certificate, "/\\") {
		return tls.Certificate{}, fmt.Errorf("reading a key pair: found name %q, expected that of a certificate of the landscape", certificate)
	}
	chain, err := c.read(ctx, path.Join(keysFolder, certificate+"-chain.pem"))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading the certificate %q: is it that of a sender? %w", certificate, err)
	}
	key, err := c.read(ctx, path.Join(keysFolder, certificate+".key"))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading the key of %q: %w", certificate, err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading the key pair of %q: %w", certificate, err)
	}
	return pair, nil
}

// TLSConfig is the TLS configuration of a sender: it trusts the load balancer, and has the key
// pair of a certificate, or none for an empty name.
func (c *Container) TLSConfig(ctx context.Context, certificate string) (*tls.Config, error) {
	root, err := c.Root(ctx)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	config.RootCAs.AddCert(root)
	if certificate == "" {
		return config, nil
	}
	pair, err := c.KeyPair(ctx, certificate)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func (c *Container) read(ctx context.Context, name string) ([]byte, error) {
	content, err := c.CopyFileFromContainer(ctx, name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(io.LimitReader(content, maxFile))
}

// LogFile is a log of a runtime node.
type LogFile struct {
	// Name tells kind, node and day: http_access_<node>_<day>.log, ljs_trace_<node>_<day>.log.
	Name    string
	Content []byte
}

// LogFiles are the logs of all runtime nodes, sorted by name. A file of which more than 64 MiB are
// there is an error.
func (c *Container) LogFiles(ctx context.Context) ([]LogFile, error) {
	files, err := c.Files(ctx, logsFolder)
	if err != nil {
		return nil, err
	}
	out := make([]LogFile, 0, len(files))
	for name, content := range files {
		out = append(out, LogFile{Name: name, Content: content})
	}
	slices.SortFunc(out, func(a, b LogFile) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Files are the files of a folder in the container, by name, without those of its folders; 64 MiB
// each and 10,000 of them at most.
func (c *Container) Files(ctx context.Context, folder string) (map[string][]byte, error) {
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading %s in the container: %w", folder, err)
	}
	defer func() { _ = docker.Close() }() // what was asked of it is read
	copied, err := docker.CopyFromContainer(ctx, c.GetContainerID(), client.CopyFromContainerOptions{SourcePath: folder})
	if err != nil {
		return nil, fmt.Errorf("reading %s in the container: %w", folder, err)
	}
	defer copied.Content.Close()
	out := map[string][]byte{}
	archive := tar.NewReader(copied.Content)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s in the container: %w", folder, err)
		}
		// The archive holds the folder itself under its last name.
		if header.Typeflag != tar.TypeReg || path.Dir(path.Clean(header.Name)) != path.Base(folder) {
			continue
		}
		if header.Size > maxFile || len(out) >= maxFiles {
			return nil, fmt.Errorf("reading %s in the container: %s has %d bytes and is file %d, expected at most %d bytes and %d files",
				folder, header.Name, header.Size, len(out)+1, int64(maxFile), maxFiles)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return nil, fmt.Errorf("reading %s in the container: %w", header.Name, err)
		}
		out[path.Base(header.Name)] = content
	}
}

// AccessLog is the lines of the HTTP access logs of all runtime nodes, and Trace the records of
// their traces, both as they stand there: nobody knows at which node a call arrived.
func (c *Container) AccessLog(ctx context.Context) (string, error) {
	return c.logs(ctx, "http_access_")
}

// Trace is the traces (LJS) of all runtime nodes. By default only errors are written, so it may be
// empty.
func (c *Container) Trace(ctx context.Context) (string, error) { return c.logs(ctx, "ljs_trace_") }

func (c *Container) logs(ctx context.Context, prefix string) (string, error) {
	files, err := c.LogFiles(ctx)
	var out strings.Builder
	for _, f := range files {
		if strings.HasPrefix(f.Name, prefix) {
			out.Write(f.Content)
		}
	}
	return out.String(), err
}
