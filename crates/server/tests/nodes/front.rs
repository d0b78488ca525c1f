//! nginx in front of the servers: one after the other, whoever asks.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx; its process id ends it.
pub(crate) struct Nginx(Child);

impl Nginx {
    /// Starts it on a port, before servers at these addresses.
    pub(crate) fn start(folder: &Path, port: u16, addresses: &[&str]) -> Self {
        let servers: String = addresses
            .iter()
            .map(|address| format!("server {} max_fails=0;", address.trim_start_matches("http://")))
            .collect();
        let here = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {here}/{kind};"))
            .collect();
        let config = format!(
            "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/nginx.log;
             events {{ worker_connections 512; }}
             http {{ access_log off; {temporary}
               upstream hallpass {{ {servers} keepalive 16; }}
               server {{ listen 127.0.0.1:{port};
                 location / {{ proxy_pass http://hallpass; proxy_http_version 1.1;
                   proxy_set_header Connection \"\"; proxy_set_header Host $http_host;
                   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                   proxy_next_upstream off; add_header X-Node $upstream_addr always; }} }} }}"
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
