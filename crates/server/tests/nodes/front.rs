//! nginx in front of the servers. It sends each request to the next server, whoever sent it.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The configuration in the guides.
const GUIDE: &str = include_str!("../../../../docs/guide/nginx.conf");

/// The guide's file, unchanged except for addresses and certificate.
pub(crate) fn guide(port: u16, addresses: &[&str]) -> String {
    let servers: String = addresses
        .iter()
        .map(|address| {
            format!(
                "server {} max_fails=1 fail_timeout=5s;\n",
                address.trim_start_matches("http://")
            )
        })
        .collect();
    let listen = format!("listen 127.0.0.1:{port};");
    let replaced = [
        ("server 10.0.0.21:8080 max_fails=1 fail_timeout=5s;", servers.as_str()),
        ("server 10.0.0.22:8080 max_fails=1 fail_timeout=5s;", ""),
        ("listen 443 ssl;", &listen),
        ("ssl_certificate     /etc/nginx/auth.example.com.crt;", ""),
        ("ssl_certificate_key /etc/nginx/auth.example.com.key;", ""),
    ];
    replaced.into_iter().fold(GUIDE.to_owned(), |text, (shown, ours)| {
        assert_eq!(text.matches(shown).count(), 1, "{shown}");
        text.replace(shown, ours)
    })
}

/// A running nginx. It is ended by its process id.
pub(crate) struct Nginx(Child);

impl Nginx {
    /// Starts it on a port, in front of servers at these addresses, with the guide's file.
    pub(crate) fn start(folder: &Path, port: u16, addresses: &[&str]) -> Self {
        Self::with(folder, port, &guide(port, addresses))
    }

    /// The same with another file in place of the guide's.
    pub(crate) fn with(folder: &Path, port: u16, text: &str) -> Self {
        let here = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {here}/{kind};"))
            .collect();
        let config = format!(
            "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/nginx.log;
             events {{ worker_connections 512; }}
             http {{ access_log off; {temporary} add_header X-Node $upstream_addr always;
             {text} }}"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut child = Command::new("/usr/sbin/nginx")
            .arg("-c")
            .arg(&file)
            .arg("-p")
            .arg(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            let log = || fs::read_to_string(folder.join("nginx.log")).unwrap_or_default();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "{}",
                log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
