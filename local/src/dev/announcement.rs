//! What is printed when the stack is ready.

use std::fmt::Write;
use std::path::Path;

use protocol::wire::auth::LoginRequest;
use protocol::wire::health::ReadinessResponse;

use super::readiness;
use crate::dev_file::DevFile;

/// The addresses, who can sign in, and something to paste.
pub(super) fn text(file: &DevFile, data: &Path, ready: Option<&ReadinessResponse>) -> String {
    let mut text = format!(
        "\n  edge       {}\n  functions  {}\n  DynamoDB   {}\n  Redis      {}: {}\n  data       {}\n\n",
        file.edge_url,
        file.functions_url,
        file.dynamodb_url,
        file.redis_url,
        readiness::line(ready),
        data.display()
    );
    let mut row = |cells: [&str; 5]| {
        let [user, password, client, branch, role] = cells;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {user:<12} {password:<16} {client:<8} {branch:<8} {role}");
    };
    row(["user", "password", "client", "branch", "role"]);
    for user in &file.users {
        let branch = user.branch_id.as_ref().map_or("-", |branch| branch.as_str());
        let role = serde_json::to_string(&user.role).unwrap_or_default();
        row([&user.username, &user.password, user.client_id.as_str(), branch, role.trim_matches('"')]);
    }
    if let Some(user) = file.users.first() {
        let login = LoginRequest {
            username: user.username.clone(),
            password: user.password.clone(),
            device_id: None,
        };
        // A quote in a password must not end the shell's own.
        let body = serde_json::to_string(&login).unwrap_or_default().replace('\'', r"'\''");
        let _ = write!(
            text,
            "\ncurl -s {}/api/auth/login -H 'content-type: application/json' -d '{body}'\n\n\
             Ctrl-C stops everything.",
            file.edge_url
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_user;

    #[test]
    fn everybody_is_listed_and_the_first_can_sign_in_by_pasting() {
        let mut users = known_user::demo().unwrap();
        users[0].password = "it's".into();
        let file = DevFile {
            edge_url: "http://127.0.0.1:8787".into(),
            functions_url: "http://127.0.0.1:1".into(),
            dynamodb_url: "http://127.0.0.1:2".into(),
            redis_url: "http://127.0.0.1:3".into(),
            table: "SyncTable".into(),
            accounts_table: "AccountsTable".into(),
            users,
        };
        let text = text(&file, Path::new("/data"), None);
        for word in [
            "till-1",
            "till-2",
            "till-3",
            "other",
            "super_admin",
            "http://127.0.0.1:2",
            "http://127.0.0.1:3: not reachable",
            "/data",
        ] {
            assert!(text.contains(word), "{word}");
        }
        let line = text.lines().find(|line| line.starts_with("curl ")).unwrap();
        let script = line.replacen("curl -s", "printf '%s\\n'", 1);
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        assert!(words.ends_with("-d\n{\"username\":\"till-1\",\"password\":\"it's\"}\n"), "{words}");
    }
}
