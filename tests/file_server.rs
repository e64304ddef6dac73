//! The example `file_server` as its clients see it: the built program, over plain sockets.
//!
//! Nothing here depends on how fast anything is. A client waits [`PATIENCE`] for what must come, and
//! what must not come is shown by something else that comes instead.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How long a client waits before the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a directory of its own.
struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
    /// Holds `site`, the served directory, and `secret`, which is not in it.
    top: PathBuf,
}

impl Server {
    fn start(options: &[&str]) -> Server {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let top = std::env::temp_dir().join(format!("file_server-test-{}-{number}", std::process::id()));
        fill(&top).expect("a temporary directory");
        let program = program();
        let mut process = Command::new(&program)
            .arg(top.join("site"))
            .args(["--addr", "127.0.0.1:0", "--workers", "2"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}. A plain `cargo test` builds it", program.display()));
        let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix('/'));
        let address = address.expect("it says where it listens").parse().expect("an address");
        Server { process, output, address, top }
    }

    fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).expect("it accepts"))
    }

    /// Sends one request on a connection of its own.
    fn request(&self, request: &str) -> Response {
        let mut client = self.connect();
        client.send(request);
        client.response_to(request)
    }

    fn get(&self, target: &str) -> Response {
        self.request(&get(target))
    }

    fn site(&self) -> PathBuf {
        self.top.join("site")
    }

    /// Puts a `large.bin` into the directory: more than sockets buffer, so that a response of it is
    /// under way until it is read.
    fn add_large(&self) -> &'static [u8] {
        static LARGE: LazyLock<Vec<u8>> =
            LazyLock::new(|| (0..24_000_017_u32).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect());
        fs::write(self.site().join("large.bin"), &*LARGE).expect("written");
        &LARGE
    }

    fn interrupt(&self) {
        let process = libc::pid_t::try_from(self.process.id()).expect("process ids fit");
        // SAFETY: A signal to the child, which has not been waited for, so the id is still its own.
        assert_eq!(unsafe { libc::kill(process, libc::SIGINT) }, 0);
    }

    /// Waits for the end of the process and returns what else it printed.
    fn wait(&mut self) -> (ExitStatus, String) {
        let pause = Duration::from_millis(10);
        let mut pauses = 0..PATIENCE.as_millis() / pause.as_millis();
        let status = loop {
            match self.process.try_wait().expect("a child") {
                Some(status) => break status,
                None => assert!(pauses.next().is_some(), "the server does not end"),
            }
            thread::sleep(pause);
        };
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        (status, rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if the test has waited for the process itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.top);
    }
}

/// The built example lies beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    profile.join("examples/file_server")
}

fn fill(top: &Path) -> io::Result<()> {
    let site = top.join("site");
    fs::create_dir_all(site.join("sub dir/empty"))?;
    fs::create_dir_all(site.join("pages"))?;
    fs::write(top.join("secret"), "top secret")?;
    fs::write(site.join("hello.txt"), "hello, world\n")?;
    fs::write(site.join("empty"), "")?;
    fs::write(site.join("sub dir/<&>.html"), "<p>")?;
    fs::write(site.join("pages/index.html"), "<p>index")?;
    symlink("hello.txt", site.join("link-inside"))?;
    symlink("../secret", site.join("link-up"))?;
    symlink(top.join("secret"), site.join("link-absolute"))?;
    symlink("..", site.join("link-parent"))?;
    symlink("/", site.join("link-root"))
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// The client's side of a connection.
struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
struct Response {
    status: u16,
    /// The header fields, names in lower case.
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }
}

impl Client {
    fn new(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        Client { stream: BufReader::new(stream) }
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Reads the head of a response, and leaves the body.
    fn head(&mut self) -> Response {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("a line");
            let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("after {lines:?} came {line:?}"));
            if line.is_empty() {
                break;
            }
            lines.push(line.to_owned());
        }
        let status = lines[0].strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect("a status line");
        let field = |line: &String| {
            let (name, value) = line.split_once(": ").expect("a header field");
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let fields = lines[1..].iter().map(field).collect();
        Response { status: status.parse().expect("a number"), fields, body: Vec::new() }
    }

    /// Reads the response to a GET.
    fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    fn response_to(&mut self, request: &str) -> Response {
        let mut response = self.head();
        if !request.starts_with("HEAD") {
            let length = response.field("content-length").map_or(0, |length| length.parse().expect("a number"));
            response.body.resize(length, 0);
            self.stream.read_exact(&mut response.body).expect("as long as was announced");
        }
        response
    }

    /// Asserts that the server has closed the connection and sent nothing more.
    fn assert_closed(&mut self) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("not closed: {error}"),
        }
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

#[test]
fn files_are_served_with_their_type() {
    let server = Server::start(&[]);
    let large = server.add_large();
    let response = server.get("/hello.txt");
    assert_eq!((response.status, response.text()), (200, "hello, world\n"));
    assert_eq!(response.field("content-type"), Some("text/plain; charset=utf-8"));
    assert!(response.field("date").is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(response.field("connection"), None);
    assert_eq!(server.get("/empty").body, b"");
    assert_eq!(server.get("/link-inside").text(), "hello, world\n");
    let response = server.get("/sub%20dir/%3C%26%3E.html?query");
    assert_eq!((response.status, response.text()), (200, "<p>"));
    assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"));
    let response = server.get("/large.bin");
    assert_eq!(response.field("content-type"), Some("application/octet-stream"));
    assert!(response.body == large);
    assert_eq!(server.get("http://localhost/hello.txt").status, 200);
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start(&[]);
    server.add_large();
    let mut client = server.connect();
    for target in ["/hello.txt", "/large.bin", "/", "/nothing"] {
        client.send(format!("HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let head = client.response_to("HEAD");
        client.send(get(target));
        let get = client.response();
        assert_eq!(head.status, get.status);
        assert_eq!(head.field("content-length"), get.field("content-length"));
        assert_eq!(head.field("content-type"), get.field("content-type"));
        assert_eq!(get.field("content-length"), Some(&*get.body.len().to_string()));
    }
}

#[test]
fn directories_are_listed() {
    let server = Server::start(&[]);
    let root = server.get("/");
    assert_eq!(root.status, 200);
    assert_eq!(root.field("content-type"), Some("text/html; charset=utf-8"));
    assert!(root.text().contains("<a href=\"sub%20dir/\">sub dir/</a>"));
    assert!(root.text().contains("<a href=\"hello.txt\">hello.txt</a>"));
    assert!(!root.text().contains("\"../\""));
    let sub = server.get("/sub%20dir/");
    assert!(sub.text().contains("<a href=\"%3C%26%3E.html\">&lt;&amp;&gt;.html</a>"));
    assert!(sub.text().contains("<a href=\"../\">"));
    assert_eq!(server.get("/sub%20dir/empty/").status, 200);
    assert_eq!(server.get("/pages/").text(), "<p>index");
}

#[test]
fn directories_get_their_slash() {
    let server = Server::start(&[]);
    let response = server.get("/sub%20dir?a=b");
    assert_eq!((response.status, response.field("location")), (301, Some("/sub%20dir/?a=b")));
    let response = server.get("//pages");
    assert_eq!((response.status, response.field("location")), (301, Some("/pages/")));
    assert_eq!(server.get("/hello.txt/").status, 404);
}

#[test]
fn what_is_not_there_is_not_found() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let long = format!("/{}", "a".repeat(5000));
    for target in ["/nothing", "/nothing/", "/hello.txt/more", "/sub%20dir/nothing", &long] {
        client.send(get(target));
        assert_eq!(client.response().status, 404, "{target}");
    }
    client.send(get("/hello.txt"));
    assert_eq!(client.response().status, 200);
}

#[test]
fn nothing_outside_can_be_reached() {
    let server = Server::start(&[]);
    for target in [
        "/../secret",
        "/../../../../../../../../etc/passwd",
        "/sub%20dir/../../secret",
        "/%2e%2e/secret",
        "/%2E%2E/%2e%2e/etc/passwd",
        "/.%2e/secret",
        "/..%2fsecret",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e%2fsecret",
        "/%2fetc%2fpasswd",
        "//etc/passwd",
        "///etc/passwd",
        "/etc/passwd",
        "/..%5c..%5csecret",
        "/%252e%252e/secret",
        "/..%00/secret",
        "/hello.txt%00",
        "/..%c0%af..%c0%afsecret",
        "/link-up",
        "/link-absolute",
        "/link-parent/secret",
        "/link-parent/",
        "/link-root/etc/passwd",
        "/link-root/",
        "/link-root",
        "../secret",
        "etc/passwd",
        "file:///etc/passwd",
        "http://localhost/../secret",
    ] {
        let response = server.get(target);
        assert!(matches!(response.status, 400 | 404), "{target} gave {response:?}");
        let body = response.text();
        assert!(!body.contains("secret") && !body.contains("root:"), "{target} gave {body}");
    }
}

#[test]
fn a_link_swapped_all_the_time_leads_nowhere_else() {
    let server = Server::start(&[]);
    let (site, outside) = (server.site(), server.top.clone());
    fs::create_dir(site.join("inside")).expect("made");
    fs::write(site.join("inside/secret"), "harmless").expect("written");
    symlink(&outside, site.join("outside")).expect("linked");
    let mut client = server.connect();
    thread::scope(|scope| {
        let (sender, stopped) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            // `target` is now a directory inside, now a link to the outside, and sometimes nothing.
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                for (here, away) in [("inside", "outside"), ("outside", "inside")] {
                    fs::rename(site.join(here), site.join("target")).expect("renamed");
                    fs::rename(site.join("target"), site.join(here)).expect("renamed");
                    assert!(site.join(away).exists());
                }
            }
        });
        for _ in 0..3000 {
            client.send(get("/target/secret"));
            let response = client.response();
            match response.status {
                200 => assert_eq!(response.text(), "harmless"),
                status => assert!(matches!(status, 404 | 503), "{response:?}"),
            }
        }
        drop(sender);
    });
}

#[test]
fn a_pipe_in_the_directory_harms_nobody() {
    let server = Server::start(&[]);
    let made = Command::new("mkfifo").arg(server.site().join("pipe")).status().expect("mkfifo");
    assert!(made.success());
    assert_eq!(server.get("/pipe").status, 404);
}

#[test]
fn only_get_and_head_are_allowed() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        client.send(format!("{method} /hello.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let response = client.response();
        assert_eq!((response.status, response.field("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn small_bodies_are_read_and_forgotten() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let body = "GET /hello.txt HTTP/1.1\r\n\r\n".repeat(2000);
    for method in ["POST", "GET"] {
        client.send(format!("{method} /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len()));
        client.send(&body);
    }
    assert_eq!(client.response().status, 405);
    assert_eq!(client.response().status, 200);
    client.send(get("/hello.txt"));
    assert_eq!(client.response().text(), "hello, world\n");
}

#[test]
fn large_bodies_are_refused() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    // The refusal arrives although the client does not listen before all is sent.
    client.send(vec![b'x'; 1_000_000]);
    let response = client.response();
    assert_eq!((response.status, response.field("connection")), (413, Some("close")));
    client.assert_closed();
    let response = server.request("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!((response.status, response.field("connection")), (501, Some("close")));
}

#[test]
fn a_body_held_back_is_not_asked_for() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.field("connection")), (405, Some("close")));
    client.assert_closed();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let server = Server::start(&[]);
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(100));
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(20_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(20_000));
    for (request, status) in [
        ("GET /hello.txt HTTP/1.1\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        (&*many, 431),
        (&*large, 431),
        (&*long, 414),
    ] {
        let mut client = server.connect();
        client.send(request);
        assert_eq!(client.response().status, status, "{request}");
    }
}

#[test]
fn garbage_is_refused_and_the_connection_closed() {
    let server = Server::start(&[]);
    // What a TLS client says first, and noise.
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(10);
    let noise: Vec<u8> = (0..50_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect();
    for garbage in [&hello[..], &noise, b"\0\0\0\0", b"\xff"] {
        let mut client = server.connect();
        client.send(garbage);
        assert_eq!(client.response().status, 400);
        client.assert_closed();
    }
    assert_eq!(server.get("/hello.txt").status, 200);
}

#[test]
fn connections_are_kept() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for _ in 0..200 {
        client.send(get("/hello.txt"));
        assert_eq!(client.response().text(), "hello, world\n");
    }
    client.send("GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response().field("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn old_clients_are_served() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("GET /hello.txt HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_eq!(client.response().field("connection"), Some("keep-alive"));
    client.send("GET /hello.txt HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!((response.text(), response.field("connection")), ("hello, world\n", Some("close")));
    client.assert_closed();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(&[]);
    for number in 0..50 {
        fs::write(server.site().join(number.to_string()), format!("file {number}")).expect("written");
    }
    let mut client = server.connect();
    let requests: String = (0..50).map(|number| get(&format!("/{number}"))).collect();
    client.send(&requests);
    for number in 0..50 {
        assert_eq!(client.response().text(), format!("file {number}"));
    }
    // In pieces that end anywhere, with a large response between the small ones.
    let large = server.add_large();
    let requests = [&*requests, &get("/large.bin"), &requests].concat();
    for piece in requests.as_bytes().chunks(37) {
        client.send(piece);
    }
    let expected: Vec<_> = (0..50).map(|number| format!("file {number}").into_bytes()).collect();
    for body in expected.iter().chain([&large.to_vec()]).chain(&expected) {
        assert!(client.response().body == *body);
    }
}

#[test]
fn a_client_that_has_stopped_sending_gets_its_answers() {
    let server = Server::start(&[]);
    let large = server.add_large();
    let mut client = server.connect();
    client.send([get("/hello.txt"), get("/large.bin")].concat());
    client.stream.get_ref().shutdown(std::net::Shutdown::Write).expect("connected");
    assert_eq!(client.response().text(), "hello, world\n");
    assert!(client.response().body == large);
    client.assert_closed();
}

#[test]
fn parts_of_files_are_served() {
    let server = Server::start(&[]);
    let (large, mut client) = (server.add_large(), server.connect());
    let end = large.len();
    for (range, part) in [
        ("0-0".to_owned(), 0..1),
        ("100-199".to_owned(), 100..200),
        ("65530-131080".to_owned(), 65_530..131_081),
        (format!("{}-", end - 10), end - 10..end),
        ("-7".to_owned(), end - 7..end),
        (format!("5-{}", end + 100), 5..end),
    ] {
        client.send(format!("GET /large.bin HTTP/1.1\r\nHost: x\r\nRange: bytes={range}\r\n\r\n"));
        let response = client.response();
        let expected = format!("bytes {}-{}/{end}", part.start, part.end - 1);
        assert_eq!((response.status, response.field("content-range")), (206, Some(&*expected)), "{range}");
        assert!(response.body == large[part], "{range}");
    }
    for (range, status) in [("20-", 416), ("2-1", 200), ("0-1,3-4", 200), ("x", 200)] {
        client.send(format!("GET /hello.txt HTTP/1.1\r\nHost: x\r\nRange: bytes={range}\r\n\r\n"));
        let response = client.response();
        assert_eq!(response.status, status, "{range}");
        assert_eq!(response.field("content-range"), (status == 416).then_some("bytes */13"));
    }
}

#[test]
fn copies_that_are_good_are_not_sent_again() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(get("/hello.txt"));
    let first = client.response();
    let tag = first.field("etag").expect("a tag").to_owned();
    let date = first.field("last-modified").expect("a date").to_owned();
    for (field, status) in [
        (format!("If-None-Match: {tag}"), 304),
        (format!("If-Modified-Since: {date}"), 304),
        ("If-None-Match: \"other\"".to_owned(), 200),
        ("If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), 200),
        (format!("Range: bytes=0-1\r\nIf-Range: {tag}"), 206),
        ("Range: bytes=0-1\r\nIf-Range: \"other\"".to_owned(), 200),
    ] {
        client.send(format!("GET /hello.txt HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n"));
        let response = client.response();
        assert_eq!(response.status, status, "{field}");
        assert_eq!(response.field("etag"), Some(&*tag));
    }
}

#[test]
fn a_slow_request_is_cut_off() {
    let server = Server::start(&["--header-timeout", "0.3"]);
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nA: ");
    // Never silent for long, and yet it takes too long. Without a deadline it would be told 431.
    client.stream.get_ref().set_read_timeout(Some(Duration::from_millis(5))).expect("not zero");
    loop {
        match client.stream.fill_buf() {
            Ok(_) => break,
            Err(error) => assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}"),
        }
        client.send("b".repeat(16));
    }
    client.stream.get_ref().set_read_timeout(Some(PATIENCE)).expect("not zero");
    let response = client.response();
    assert_eq!((response.status, response.field("connection")), (408, Some("close")));
    client.assert_closed();
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start(&["--header-timeout", "0.2"]);
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
    assert_eq!(client.response().status, 408);
    client.assert_closed();
}

#[test]
fn idle_connections_are_closed_in_the_end() {
    let server = Server::start(&["--idle-timeout", "0.2"]);
    let mut fresh = server.connect();
    let mut used = server.connect();
    used.send(get("/hello.txt"));
    assert_eq!(used.response().status, 200);
    fresh.assert_closed();
    used.assert_closed();
}

#[test]
fn a_client_that_takes_nothing_is_dropped() {
    let mut server = Server::start(&["--write-timeout", "0.2", "--idle-timeout", "1000"]);
    server.add_large();
    let mut client = server.connect();
    client.send(get("/large.bin"));
    assert_eq!(client.head().status, 200);
    // The server stops only when the response has been given up: nobody reads it.
    server.interrupt();
    assert!(server.wait().0.success());
}

#[test]
fn connections_over_the_limit_are_told() {
    let server = Server::start(&["--max-connections", "2"]);
    let mut served = [server.connect(), server.connect()];
    for client in &mut served {
        client.send(get("/hello.txt"));
        assert_eq!(client.response().status, 200);
    }
    let mut third = server.connect();
    let response = third.response();
    assert_eq!((response.status, response.field("retry-after")), (503, Some("1")));
    third.assert_closed();
    let [mut first, second] = served;
    drop(second);
    // The server learns in its own time that a place is free.
    let mut attempts = 0..6000;
    while server.get("/hello.txt").status == 503 {
        assert!(attempts.next().is_some(), "the place stays taken");
        thread::sleep(Duration::from_millis(10));
    }
    first.send(get("/hello.txt"));
    assert_eq!(first.response().status, 200);
}

#[test]
fn many_clients_are_served_at_once() {
    let server = Server::start(&[]);
    let idle: Vec<_> = (0..300).map(|_| server.connect()).collect();
    let large = server.add_large();
    thread::scope(|scope| {
        for number in 0..16 {
            let server = &server;
            scope.spawn(move || {
                for round in 0..10 {
                    let mut client = server.connect();
                    for _ in 0..20 {
                        client.send(get("/hello.txt"));
                        assert_eq!(client.response().text(), "hello, world\n");
                    }
                    if (number + round) % 8 == 0 {
                        client.send(get("/large.bin"));
                        assert!(client.response().body == large);
                    }
                }
            });
        }
    });
    for mut client in idle {
        client.send(get("/hello.txt"));
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn idle_connections_cost_at_most_ten_kibibytes_each() {
    const CONNECTIONS: usize = 5000;
    let server = Server::start(&["--idle-timeout", "100000"]);
    // Descriptors for both ends of the connections of this test: the server raises its own limit.
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: The structure outlives both calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    let memory = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.process.id())).expect("it runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
            line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
        };
        field("VmRSS:") + field("VmPTE:")
    };
    // One request on each, so that what a connection keeps after a request is counted too.
    let serve_one = |client: &mut Client| {
        client.send(get("/hello.txt"));
        assert_eq!(client.response().status, 200);
    };
    serve_one(&mut server.connect());
    let before = memory();
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(serve_one);
    let each = memory().saturating_sub(before) / CONNECTIONS;
    println!("{each} bytes for an idle connection");
    assert!(each <= 10 << 10, "{each} bytes");
}

#[test]
fn an_interrupt_lets_the_responses_under_way_finish() {
    // Only the interrupt can be what ends the idle connections.
    let mut server = Server::start(&["--idle-timeout", "100000", "--header-timeout", "100"]);
    let large = server.add_large();
    let mut download = server.connect();
    download.send(get("/large.bin"));
    let head = download.head();
    let mut idle = server.connect();
    idle.send(get("/hello.txt"));
    assert_eq!(idle.response().status, 200);
    let mut begun = server.connect();
    begun.send([&get("/hello.txt"), "GET /hel"].concat());
    assert_eq!(begun.response().status, 200);

    server.interrupt();
    idle.assert_closed();
    // By now it is stopping. What had begun goes on.
    begun.send(&get("/hello.txt")["GET /hel".len()..]);
    let response = begun.response();
    assert_eq!((response.text(), response.field("connection")), ("hello, world\n", Some("close")));
    begun.assert_closed();
    let length: usize = head.field("content-length").expect("a length").parse().expect("a number");
    let mut body = vec![0; length];
    download.stream.read_exact(&mut body).expect("all of it");
    assert!(body == large);
    download.assert_closed();
    assert!(server.wait().0.success());
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let mut server = Server::start(&["--idle-timeout", "100000", "--write-timeout", "100000"]);
    server.add_large();
    let mut download = server.connect();
    download.send(get("/large.bin"));
    assert_eq!(download.head().status, 200);
    let mut idle = server.connect();
    server.interrupt();
    idle.assert_closed();
    server.interrupt();
    assert_eq!(server.wait().0.code(), Some(130));
}

#[test]
fn responses_are_logged() {
    let mut server = Server::start(&["--log"]);
    assert_eq!(server.get("/hello.txt").status, 200);
    assert_eq!(server.get("/a\"b").status, 404);
    assert_eq!(server.request("nonsense\r\n\r\n").status, 400);
    server.interrupt();
    let (status, log) = server.wait();
    assert!(status.success());
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines[0].starts_with("127.0.0.1 - - ["));
    assert!(lines[0].ends_with("] \"GET /hello.txt HTTP/1.1\" 200 13"));
    assert!(lines[1].contains("\"GET /a\\\"b HTTP/1.1\" 404 "));
    assert!(lines[2].contains("] \"-\" 400 "));
}

#[test]
fn the_command_line_explains_itself() {
    let run = |arguments: &[&str]| {
        let output = Command::new(program()).args(arguments).output().expect("the example is built");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(help.contains("--max-connections"));
    let (code, _, error) = run(&["--port", "80"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--port"));
    let (code, _, error) = run(&["/nowhere/at/all"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("/nowhere/at/all"));
}
