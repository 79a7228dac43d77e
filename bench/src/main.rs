//! x
fn main() { let _ = (mlua::Lua::new(), rquickjs::Runtime::new(), vox_runtime::Host::builder(), vox_bundle::Bundle::embedded(), wat::parse_str("")); }
