package neighbour

import (
	"fmt"
	"strings"
	"time"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/loadbalancer"
)

func (c Config) nginx() []File {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

	line("# nginx in front of the runtime nodes: it holds root certificates only, asks for a certificate and")
	line("# never requires one, and tells the nodes what it found. Written by gatehouse.")
	line("daemon off;")
	line("worker_processes 1;")
	line("pid %s;", c.file("nginx.pid"))
	line("error_log stderr warn;")
	line("events { worker_connections 1024; }")
	line("http {")
	line("  access_log off;")
	line("  server_tokens off;")
	line("  client_max_body_size 0;")
	line("  proxy_max_temp_file_size 0;")
	line("  client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;",
		c.file("body"), c.file("proxy"), c.file("fastcgi"), c.file("uwsgi"), c.file("scgi"))
	line("  client_header_timeout %s;", seconds(or(c.Limits.Header, 10*time.Second)))
	line("  client_body_timeout %s;", seconds(or(c.Limits.BodyStall, 20*time.Second)))
	line("  keepalive_timeout %s;", seconds(or(c.Limits.Idle, 5*time.Minute)))
	line("  large_client_header_buffers 8 32k;")
	line("  server_names_hash_bucket_size 128;")
	line("  map_hash_bucket_size 256;")
	line("  variables_hash_max_size 2048;")
	line("")
	line("  # nginx tells the text of the last error, not its number.")
	line("  map $ssl_client_verify $verify_result {")
	line("    default \"\";")
	line("    SUCCESS 0;")
	line("    \"~^FAILED\" %d;", verify.Unspecified)
	for code := 2; code <= verify.Highest; code++ {
		if text := verify.Text(code); text != "" && !strings.ContainsAny(text, "\"\\$") {
			line("    \"FAILED:%s\" %d;", text, code)
		}
	}
	line("  }")
	line("  map $ssl_client_verify $accepted_certificate { default \"\"; SUCCESS $ssl_client_escaped_cert; }")
	line("  map $ssl_client_verify $refused_subject { default \"\"; \"~^FAILED\" $ssl_client_s_dn; }")

	for n := range c.Nodes {
		line("")
		line("  upstream node%d {", n+1)
		line("    server %s max_fails=1 fail_timeout=1s;", c.Nodes[n].Address)
		for other := range c.Nodes {
			if other != n {
				line("    server %s backup;", c.Nodes[other].Address)
			}
		}
		line("  }")
	}
	line("")
	line("  split_clients $request_id $next_node {")
	for n := range c.Nodes {
		share := "*"
		if n < len(c.Nodes)-1 {
			share = fmt.Sprintf("%.2f%%", 100/float64(len(c.Nodes)))
		}
		line("    %s node%d;", share, n+1)
	}
	line("  }")

	for i, h := range c.hosts() {
		c.nginxHost(line, i, h)
	}
	line("}")
	return []File{{Name: Nginx.Main(), Data: []byte(b.String())}}
}

func (c Config) nginxHost(line func(string, ...any), i int, h Host) {
	cookie := c.cookie(h)
	line("")
	line("  map $http_cookie $node%d {", i)
	line("    default $next_node;")
	if cookie != "" {
		for n, node := range c.Nodes {
			line("    \"~(^|;\\s*)%s=%s(;|$)\" node%d;", quoteRegexp(cookie), quoteRegexp(c.cookieValue(h, node)), n+1)
		}
	}
	line("  }")
	line("  map $node%d $set_cookie%d {", i, i)
	line("    default \"\";")
	if cookie != "" {
		for n, node := range c.Nodes {
			line("    node%d \"%s=%s; path=/; Httponly; Secure\";", n+1, cookie, c.cookieValue(h, node))
		}
	}
	line("  }")
	line("  map \"$http_cookie|$set_cookie%d\" $new_cookie%d {", i, i)
	line("    default $set_cookie%d;", i)
	if cookie != "" {
		for _, node := range c.Nodes {
			line("    \"~%s=%s\\|?(;.*)?\\|\" \"\";", quoteRegexp(cookie), quoteRegexp(c.cookieValue(h, node)))
		}
	}
	line("  }")
	listen := "ssl"
	if i == 0 {
		listen = "ssl default_server"
	}
	line("  server {")
	line("    listen %s %s;", c.Listen, listen)
	line("    server_name %s;", h.Name)
	line("    ssl_certificate %s;", c.file(hostFile(i, "pem")))
	line("    ssl_certificate_key %s;", c.file(hostFile(i, "pem")))
	line("    ssl_protocols TLSv1.2 TLSv1.3;")
	// Not "on" for mode require: nginx ends no handshake in either case, and the connection has to
	// be closed below.
	if h.asks() {
		line("    ssl_verify_client optional;")
		line("    ssl_client_certificate %s;", c.file(hostFile(i, "trust.pem")))
		line("    ssl_verify_depth 100;")
	}
	if h.Mode == loadbalancer.Require && h.asks() {
		line("    error_page 495 = @closed;")
		line("    if ($ssl_client_verify != SUCCESS) { return 444; }")
		line("    location @closed { return 444; }")
	} else {
		line("    error_page 495 = @nodes;")
	}
	line("    location / { error_page 418 = @nodes; return 418; }")
	line("    location @nodes {")
	line("      proxy_pass https://$node%d;", i)
	line("      proxy_http_version 1.1;")
	line("      proxy_request_buffering off;")
	line("      proxy_connect_timeout 5s;")
	line("      proxy_read_timeout %dms;", or(c.Limits.Call, 10*time.Minute).Milliseconds())
	line("      proxy_next_upstream error timeout http_502 non_idempotent;")
	line("      proxy_ssl_certificate %s;", c.file("neighbour.pem"))
	line("      proxy_ssl_certificate_key %s;", c.file("neighbour.pem"))
	line("      proxy_ssl_trusted_certificate %s;", c.file("nodes-ca.pem"))
	line("      proxy_ssl_verify on;")
	line("      proxy_ssl_server_name on;")
	line("      proxy_ssl_name %s;", anyNode)
	line("      proxy_set_header Host $http_host;")
	line("      proxy_set_header %s \"\";", checkHeader)
	line("      proxy_hide_header %s;", checkHeader)
	line("      proxy_set_header %s $accepted_certificate;", forwarding.CertificateHeader)
	line("      proxy_set_header %s $refused_subject;", forwarding.SubjectHeader)
	line("      proxy_set_header %s $verify_result;", forwarding.ResultHeader)
	line("      proxy_set_header %s \"\";", forwarding.UserHeader)
	line("      proxy_set_header %s $remote_addr;", forwarding.ClientAddressHeader)
	line("      proxy_set_header %s https;", forwarding.ProtocolHeader)
	line("      proxy_set_header %s %s;", forwarding.HostHeader, h.Name)
	if cookie != "" {
		line("      add_header Set-Cookie $new_cookie%d always;", i)
	}
	line("    }")
	line("  }")
}

// quoteRegexp makes a word a pattern in which every character means itself, and which stays whole
// in the quotes of a configuration.
func quoteRegexp(word string) string {
	var b strings.Builder
	for _, r := range word {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '=', r == '-', r == '_', r == '/', r == '!':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "[%c]", r)
		}
	}
	return b.String()
}
