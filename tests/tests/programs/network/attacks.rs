//! What a hostile program tries with sockets of its own. Section 4.3 of the threat model, from inside of a container.

use super::{borrowed, run};
use crate::servers::Ground;
use crate::work::{Bench, ENGINES};
use vox_tests::need;

/// Sends each line of bytes on a connection of its own to the proxy and prints the status of the answer, or 0.
const ASK: &str = r#"
import socket, sys
for line in sys.argv[1:]:
    s = socket.create_connection(('127.0.0.1', 3128)); s.settimeout(20)
    try:
        s.sendall(line.encode('latin-1').decode('unicode_escape').encode('latin-1'))
        got = s.recv(4096).decode('latin-1')
        print(got.split(' ')[1] if ' ' in got else 0)
    except OSError:
        print(0)
"#;

/// Tries every way out that is not the proxy, and prints what succeeded.
const ELSEWHERE: &str = r#"
import socket, sys
port, opened = int(sys.argv[1]), []
for host in ['127.0.0.1', '127.0.0.2', '10.88.0.1', '172.17.0.1', '10.0.2.2', '10.0.2.3', '169.254.169.254', '1.1.1.1', '::1', 'fe80::1']:
    for p in (port, 53, 80, 443):
        s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET); s.settimeout(2)
        if s.connect_ex((host, p)) == 0: opened.append((host, p))
        s.close()
        u = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            u.sendto(b'x', (host, p))
            if not host.startswith('127') and host != '::1': opened.append(('udp', host, p))
        except OSError: pass
for name in ['example.org', 'host.containers.internal', 'host.docker.internal', 'gateway.docker.internal']:
    try: opened.append((name, socket.getaddrinfo(name, 80)))
    except OSError: pass
print(opened, sorted(name for _, name in socket.if_nameindex()))
"#;

/// A tunnel to a granted host, with another one named in the handshake and none checked.
const MISNAMED: &str = r#"
import socket, ssl, sys
to = sys.argv[1]
s = socket.create_connection(('127.0.0.1', 3128)); s.settimeout(20)
s.sendall(f'CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n'.encode())
assert b' 200 ' in s.recv(4096)
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
t = c.wrap_socket(s, server_hostname='evil.example')
t.sendall(f'GET / HTTP/1.1\r\nHost: {to}\r\n\r\n'.encode())
print(t.recv(4096).decode())
"#;

#[test]
fn raw_bytes_reach_nobody_who_is_not_granted() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let ground = need!("loopback addresses", Ground::start());
        let (port, good) = (ground.port(), ground.good.address.to_string());
        let line = |method: &str, url: &str, host: &str, more: &str| {
            format!("{method} {url} HTTP/1.1\\r\\nHost: {host}\\r\\n{more}\\r\\n")
        };
        let get = |host: &str| line("GET", &format!("http://{host}/"), host, "");
        let own = format!("http://{good}/");
        let mut cases: Vec<(String, &str)> = vec![
            (line("GET", &own, &good, ""), "200"),
            // The way to other places on the same port, in every spelling.
            (line("GET", &own, "127.0.0.1", ""), "421"),
            (line("GET", &own, &good, "Host: x\\r\\n"), "400"),
            (line("GET", "/", &good, ""), "400"),
            (line("GET", "*", &good, ""), "400"),
            (line("TRACE", &own, &good, ""), "403"),
            (line("GET", &own, &good, "Upgrade: websocket\\r\\nConnection: upgrade\\r\\n"), "501"),
            (line("CONNECT", &format!("127.0.0.2:{}", port ^ 1), &good, ""), "403"),
            (line("CONNECT", &format!("127.0.0.1:{port}"), &good, ""), "421"),
            (line("CONNECT", &format!("127.0.0.1:{port}"), &format!("127.0.0.1:{port}"), ""), "403"),
            (line("CONNECT", "169.254.169.254:80", "169.254.169.254:80", ""), "403"),
            (line("GET", &own, &good, "Content-Length: 1\\r\\nContent-Length: 2\\r\\n"), "400"),
            (line("GET", &own, &good, "Transfer-Encoding: chunked, x\\r\\n"), "400"),
            (line("GET", &own, &good, "x\\x00: y\\r\\n"), "400"),
            ("\\x16\\x03\\x01\\x00\\x05hello\\r\\n\\r\\n".to_owned(), "400"),
        ];
        // Every one of these leads to a server that counts, on the port that is granted.
        let spellings =
            ["127.0.0.1", "127.0.0.3", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:2]", "2130706434", "0x7f000002"];
        let more = ["0177.0.0.2", "127.2", "localhost", "127.0.0.2.", "127.0.0.02", "user@127.0.0.2", "%3127.0.0.2"];
        cases.extend(spellings.iter().chain(&more).map(|host| (get(&format!("{host}:{port}")), "refused")));
        let mut words = vec!["python3", "-c", ASK];
        words.extend(cases.iter().map(|(bytes, _)| bytes.as_str()));
        let grants = ["--allow-subprocess", "--allow-http", &ground.good.url()];
        let printed = run(&bench, &words, &grants);
        let statuses: Vec<&str> = printed.out.lines().collect();
        assert_eq!(statuses.len(), cases.len(), "{engine}: {}{}", printed.out, printed.err);
        for ((bytes, expected), status) in cases.iter().zip(statuses) {
            let fits = *expected == status || *expected == "refused" && matches!(status, "400" | "403");
            assert!(fits, "{engine}: {bytes}: {status}, not {expected}");
        }
        ground.check(engine);
        assert_eq!(ground.good.accepted(), 1, "{engine}");
        // Redirects are answers: the program asks again, and is asked again.
        let script = format!("curl -sS -L -o /dev/null -w '%{{http_code}}\\n' http://{good}/to/302");
        let printed = run(&bench, &["sh", "-c", &script], &grants);
        assert_eq!(printed.out, "403\n", "{engine}: {}", printed.err);
        ground.check(engine);
    }
}

#[test]
fn there_is_no_other_way_out() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let ground = need!("loopback addresses", Ground::start());
        let port = ground.port().to_string();
        let printed = run(
            &bench,
            &["python3", "-c", ELSEWHERE, &port],
            &["--allow-subprocess", "--allow-http", &ground.good.url()],
        );
        assert_eq!(printed.out, "[] ['lo']\n", "{engine}: {}", printed.err);
        ground.check(engine);
        assert_eq!(ground.good.accepted(), 0, "{engine}");
    }
}

#[test]
fn a_handshake_that_names_another_host_gets_nowhere() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let servers = super::Servers::start(&bench);
        let to = servers.secure.address.to_string();
        let printed = run(&bench, &["python3", "-c", MISNAMED, &to], &borrowed(&servers.grants()));
        assert!(printed.out.starts_with("HTTP/1.1 421 "), "{engine}: {}{}", printed.out, printed.err);
        assert_eq!(servers.secure.accepted(), 0, "{engine}");
    }
}
