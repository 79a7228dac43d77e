//! Programs as they are: curl, git, Python and Node.js reach what is granted, and read why where it is not.

use super::{Servers, borrowed, file, run};
use crate::authority::{Authority, NOW};
use crate::servers::{Server, heard};
use crate::work::{Bench, ENGINES};
use std::io::Write;
use std::sync::Arc;
use vox_tests::need;

#[test]
fn curl_reaches_what_is_granted_and_reads_why_not() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let servers = Servers::start(&bench);
        let script = format!(
            "curl -sS {}/a; curl -sS {}/b; curl -sS -o /dev/null -w '%{{http_code}}\\n' https://10.0.0.1/; \
             curl -sS http://10.0.0.1/; curl -sS --max-redirs 5 -L http://169.254.169.254/; \
             curl -sS --noproxy '*' -m 5 {}/direct; curl -sS --http2 {}/h2 -o /dev/null -w '%{{http_version}}\\n'",
            servers.plain.url(),
            servers.secure_url(),
            servers.plain.url(),
            servers.secure_url(),
        );
        let printed = run(&bench, &["sh", "-c", &script], &borrowed(&servers.grants()));
        for line in ["plain GET /a HTTP/1.1\n", "secure GET /b HTTP/1.1\n", "would allow it, for good `vox grant SKILL"]
        {
            assert!(printed.out.contains(line), "{engine}: {line}: {}{}", printed.out, printed.err);
        }
        assert!(printed.out.contains("where cloud machines find their credentials"), "{engine}: {}", printed.out);
        assert!(printed.err.contains("CONNECT tunnel failed, response 403"), "{engine}: {}", printed.err);
        assert!(
            printed.err.contains("Failed to connect") || printed.err.contains("refused"),
            "{engine}: {}",
            printed.err
        );
        assert!(printed.out.ends_with("1.1\n"), "{engine}: {}", printed.out);
        assert_eq!((servers.plain.accepted(), servers.secure.accepted()), (1, 2), "{engine}");
        let audit = bench.run(0, &["audit"]).stdout;
        for line in [
            format!("allowed   http-out request GET {}/b", servers.secure_url()),
            "denied    http-out request CONNECT ".to_owned(),
            "denied    http-out request GET http://169.254.169.254/".to_owned(),
        ] {
            assert!(audit.contains(&line), "{engine}: {line}: {audit}");
        }
    }
}

#[test]
fn python_and_node_take_the_same_way() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let servers = Servers::start(&bench);
        let grants = servers.grants();
        let (plain, secure) = (servers.plain.url(), servers.secure_url());
        let script = format!(
            "import urllib.request as r, urllib.error as e\n\
             for url in ['{plain}/p', '{secure}/p']: print(r.urlopen(url).read().decode(), end='')\n\
             try: r.urlopen('http://10.0.0.1/')\n\
             except e.HTTPError as error: print(error.code, error.read().decode(), end='')\n"
        );
        let printed = run(&bench, &["python3", "-c", &script], &borrowed(&grants));
        let expected = "plain GET /p HTTP/1.1\nsecure GET /p HTTP/1.1\n403 vox: the host is not granted";
        assert!(printed.out.starts_with(expected), "{engine}: {}{}", printed.out, printed.err);
        // Node.js 18 does not look at the variables by itself: as a program does that knows proxies.
        let script = format!(
            "const http = require('http'), tls = require('tls'), proxy = new URL(process.env.https_proxy);\
             const at = {{ host: proxy.hostname, port: proxy.port }};\
             const host = '{}';\
             http.get({{ ...at, path: '{plain}/n', headers: {{ Host: '{}' }} }}, got => {{\
               got.pipe(process.stdout); got.on('end', () =>\
               http.request({{ ...at, method: 'CONNECT', path: host, headers: {{ Host: host }} }})\
               .on('connect', (got, socket) => {{\
                 const secure = tls.connect({{ socket, host: '127.0.0.1' }});\
                 secure.write('GET /n HTTP/1.1\\r\\nHost: ' + host + '\\r\\nConnection: close\\r\\n\\r\\n');\
                 secure.pipe(process.stdout); }}).end()); }});",
            servers.secure.address, servers.plain.address
        );
        let printed = run(&bench, &["node", "-e", &script], &borrowed(&grants));
        assert!(printed.out.starts_with("plain GET /n HTTP/1.1\n"), "{engine}: {}{}", printed.out, printed.err);
        assert!(printed.out.ends_with("secure GET /n HTTP/1.1\n"), "{engine}: {}{}", printed.out, printed.err);
    }
}

#[test]
fn git_clones_over_both_schemes() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let made = bench.place.shell(
            "git init -q --initial-branch=main one && cd one && echo hello > a.md && git add a.md \
             && git -c user.name=T -c user.email=t@example.org commit -q -m first && cd .. \
             && git clone -q --bare one one.git && cd one.git && git gc -q && git update-server-info",
        );
        assert_eq!(made.code, Some(0), "{made:?}");
        // Files alone are enough for git (gitprotocol-http(5), "dumb" server).
        let root = Arc::new(bench.place.work());
        let serve = {
            let root = root.clone();
            move |head: &str, stream: &mut dyn Write| {
                let (status, body) = file(&root, head).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
                let length = body.len();
                let _ = write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all(&body);
            }
        };
        let authority = Authority::new();
        bench.place.put("own.pem", authority.pem());
        let plain_serve = serve.clone();
        let plain = Server::start(move |mut stream| {
            let head = heard(&mut stream);
            plain_serve(&head, &mut stream);
        });
        let secure = authority.serving("127.0.0.1", NOW, serve);
        for url in [plain.url(), format!("https://{}", secure.address)] {
            let script =
                format!("cd /tmp && git clone -q {url}/one.git two && cat two/a.md && git -C two log --format=%s");
            let grants = ["--allow-subprocess", "--http-ca", "own.pem", "--allow-http", &format!("GET {url}/one.git")];
            let printed = run(&bench, &["sh", "-c", &script], &grants);
            assert_eq!(printed.out, "hello\nfirst\n", "{engine} {url}: {}", printed.err);
            let push = format!("cd /tmp && git clone -q {url}/other.git two; echo $?");
            let printed = run(&bench, &["sh", "-c", &push], &grants);
            assert!(printed.out == "128\n" && printed.err.contains("403"), "{engine}: {}{}", printed.out, printed.err);
        }
    }
}

#[test]
fn without_a_grant_nothing_listens_and_nothing_is_set() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let script =
            "env | grep -i -E 'proxy|authority'; ls /run/vox; tail -n +2 /proc/net/tcp /proc/net/tcp6; echo end";
        let printed = run(&bench, &["sh", "-c", script], &["--allow-subprocess"]);
        assert!(
            !printed.out.to_lowercase().contains("proxy") && printed.out.ends_with("end\n"),
            "{engine}: {}",
            printed.out
        );
        assert!(!printed.out.contains(":0C38"), "{engine}: {}", printed.out);
        assert!(printed.err.contains("/run/vox"), "{engine}: {}", printed.err);
    }
}
