use super::*;

fn read(line: &str) -> Result<Command, lexopt::Error> {
    parse(line.split_whitespace().map(OsString::from))
}

#[test]
fn dev_has_the_defaults_that_are_documented() {
    let dev = Dev { edge_port: 8787, data: PathBuf::from(".tillsync"), fresh: false, tables: None };
    assert_eq!(read("dev").unwrap(), Command::Dev(dev));
    let tables = Some(PathBuf::from("my.toml"));
    let dev = Dev { edge_port: 0, data: PathBuf::from("/tmp/x"), fresh: true, tables };
    let line = "dev --fresh --edge-port=0 --data /tmp/x --tables my.toml";
    assert_eq!(read(line).unwrap(), Command::Dev(dev));
}

#[test]
fn a_user_is_read_as_written() {
    let user = AddUser {
        name: "anna".into(),
        client: "1".into(),
        branch: Some("2".into()),
        role: "king".into(),
        password: None,
        data: PathBuf::from(".tillsync"),
    };
    assert_eq!(read("user add anna --client 1 --branch 2 --role king").unwrap(), Command::AddUser(user));
}

#[test]
fn a_wrong_command_line_says_what_is_wrong() {
    for (line, word) in [
        ("", "no command"),
        ("fly", "fly"),
        ("dev now", "now"),
        ("dev --edge-port x", "x"),
        ("dev --edge-port 70000", "70000"),
        ("dev --colour red", "--colour"),
        ("user", "add"),
        ("user drop anna", "drop"),
        ("user add --client 1 --role cashier", "a name"),
        ("user add anna --role cashier", "--client"),
        ("user add anna --client 1", "--role"),
        ("user add anna bert --client 1 --role cashier", "bert"),
    ] {
        let error = read(line).unwrap_err().to_string();
        assert!(error.contains(word), "{line}: {error}");
    }
    assert_eq!(read("help").unwrap(), Command::Help);
    assert_eq!(read("dev --help").unwrap(), Command::Help);
}
