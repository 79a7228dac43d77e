//! The way of scripts to the network: where HTTP is granted, and nowhere else.

use crate::servers::{Server, answer, heard};
use crate::work::{Bench, ENGINES};
use vox_tests::need;

#[test]
fn a_script_reaches_what_is_granted_and_nothing_else() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let server = Server::start(|mut stream| {
            heard(&mut stream);
            answer(stream, "granted");
        });
        let get = "curl -sS --fail-with-body --max-time 20 \"$1\"\n";
        bench.skill("x", &[("get.sh", get)]);
        bench.run(0, &["import", "x"]);
        let (url, origin) = (format!("{}/", server.url()), server.url());
        let allow = ["--allow-subprocess", "--allow-http", &origin];
        let told = bench.script(0, &["./x", "get.sh"], &allow, &[&url]);
        assert_eq!(told.stdout, "granted", "{engine}: {}", told.stderr);
        assert_eq!(server.accepted(), 1, "{engine}");
        // Another place of the same machine, and the same place without a grant.
        let refused = bench.script(22, &["./x", "get.sh"], &allow, &["http://127.0.0.2:9/"]);
        assert!(refused.stdout.contains("--allow-http"), "{engine}: {}", refused.stdout);
        bench.script(7, &["./x", "get.sh"], &["--allow-subprocess"], &[&url]);
        assert_eq!(server.accepted(), 1, "{engine}: nothing else arrived");
        let audit = bench.run(0, &["audit"]);
        assert!(audit.stdout.contains(&origin), "{engine}: {}", audit.stdout);
    }
}
