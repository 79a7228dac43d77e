//! Schemas by keyword and by draft.

use super::validate;
use crate::bindings::exports::vox::bundle::json::Error;

#[test]
fn zz_suite() {
    let Ok(root) = std::env::var("SUITE") else { return };
    for d in ["draft4", "draft6", "draft7", "draft2019-09", "draft2020-12"] {
        let uri = match d { "draft4" => "http://json-schema.org/draft-04/schema#", "draft6" => "http://json-schema.org/draft-06/schema#", "draft7" => "http://json-schema.org/draft-07/schema#", "draft2019-09" => "https://json-schema.org/draft/2019-09/schema", _ => "https://json-schema.org/draft/2020-12/schema" };
        let (mut good, mut bad) = (0, 0);
        for f in std::fs::read_dir(format!("{root}/{d}")).unwrap() {
            let f = f.unwrap().path();
            if !f.is_file() { continue }
            let v = crate::change::tree(&std::fs::read_to_string(&f).unwrap()).unwrap();
            for g in v.as_array().unwrap() {
                let mut s = g["schema"].clone();
                if let Some(o) = s.as_object_mut() { if !o.contains_key("$schema") { o.insert("$schema".into(), uri.into()); } }
                for t in g["tests"].as_array().unwrap() {
                    let r = validate(&t["data"].to_string(), &s.to_string());
                    let want = t["valid"].as_bool().unwrap();
                    match r { Ok(ref e) if e.is_empty() == want => good += 1,
                        r => { bad += 1; println!("{d} {} | {} | {} want {want}: {:?}", f.file_name().unwrap().to_str().unwrap(), g["description"], t["description"], r.map_err(|e| match e { Error::InvalidSchema(c) => c.message, e => format!("{e:?}") })); } }
                }
            }
        }
        println!("== {d}: {good} good {bad} bad");
    }
}
