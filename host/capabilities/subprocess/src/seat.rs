//! Where programs see the granted folders.

use vox_model::programs::ProgramError;

/// Where folders lie that a skill sees under a relative path: the working folder of its programs.
const BASE: &str = "/work";

/// Where commands of a skill see its folder.
pub(crate) const SKILL: &str = "/skill";

/// Where a program starts that was granted no folder.
const NOWHERE: &str = "/tmp";

/// The path under which programs see a folder that the skill sees as `guest`: the same, from `/work` where it is relative.
pub(crate) fn seat(guest: &str) -> String {
    match guest.trim_start_matches("./") {
        "." | "" => BASE.to_owned(),
        absolute if absolute.starts_with('/') => absolute.trim_end_matches('/').to_owned(),
        relative => format!("{BASE}/{}", relative.trim_end_matches('/')),
    }
}

/// The working folder that a skill means, as programs see it; the first granted folder where it means none.
///
/// # Errors
/// It lies in no granted folder.
pub(crate) fn working(asked: Option<&str>, guests: &[&str]) -> Result<String, ProgramError> {
    let Some(asked) = asked else {
        return Ok(guests.first().map_or(NOWHERE.to_owned(), |guest| seat(guest)));
    };
    let invalid = |why: &str| {
        let shown = vox_cap_log::escape_within(asked, 256).text;
        let there: Vec<String> = guests.iter().map(|guest| format!("`{guest}`")).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        Err(ProgramError::Invalid(format!("the working folder `{shown}` {why}; granted folders: {there}")))
    };
    if asked.split('/').any(|name| name == "..") || asked.contains('\0') {
        return invalid("leads upward or is no path");
    }
    // The name as the skill wrote it, without detours.
    let names: Vec<&str> = asked.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    let plain = format!("{}{}", if asked.starts_with('/') { "/" } else { "" }, names.join("/"));
    let place = seat(&plain);
    let inside = |guest: &&str| {
        let seat = seat(guest);
        place == seat || place.strip_prefix(&seat).is_some_and(|rest| rest.starts_with('/'))
    };
    match guests.iter().any(inside) {
        true => Ok(place),
        false => invalid("lies in no granted folder"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_a_seat() {
        for (guest, expected) in
            [(".", "/work"), ("docs", "/work/docs"), ("docs/a", "/work/docs/a"), ("/srv/docs", "/srv/docs")]
        {
            assert_eq!(seat(guest), expected);
        }
    }

    #[test]
    fn working_folders_lie_in_granted_ones() {
        let guests = ["repo", "/srv/docs"];
        let at = |asked: Option<&str>| working(asked, &guests).ok();
        assert_eq!(at(None).as_deref(), Some("/work/repo"));
        assert_eq!(at(Some("repo/sub/.")).as_deref(), Some("/work/repo/sub"));
        assert_eq!(at(Some("./repo/")).as_deref(), Some("/work/repo"));
        assert_eq!(at(Some("/srv/docs/x")).as_deref(), Some("/srv/docs/x"));
        for bad in ["", ".", "/", "repository", "repo/../..", "/srv", "/srv/docs2", "/etc", "/work", "a\0"] {
            assert_eq!(at(Some(bad)), None, "{bad:?}");
        }
        assert_eq!(working(Some("x/y"), &["."]).as_deref(), Ok("/work/x/y"));
        assert_eq!(working(None, &[]).as_deref(), Ok("/tmp"));
    }
}
