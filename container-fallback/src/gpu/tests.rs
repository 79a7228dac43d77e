use super::*;

const YAML: &str = "---\ncdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: \"0\"\n  containerEdits:\n    deviceNodes:\n    - path: /dev/nvidia0\n      name: trap\n- containerEdits:\n    deviceNodes:\n    - path: /dev/nvidia1\n  name: GPU-ab12\n- name: all\n- name: \"--privileged x\"\ncontainerEdits:\n  env:\n  - NVIDIA_VISIBLE_DEVICES=void\n  name: other\n";

fn names(file: &str, text: &str) -> Vec<String> {
    names_in(Path::new(file), text)
}

#[test]
fn devices_are_read_from_specifications() {
    assert_eq!(names("nvidia.yaml", YAML), ["0", "GPU-ab12", "all", "--privileged x"]);
    let json = r#"{"cdiVersion":"0.5.0","kind":"nvidia.com/gpu","devices":[{"name":"0"},{"name":"all"}]}"#;
    assert_eq!(names("nvidia.json", json), ["0", "all"]);
    assert!(names("x.yaml", &YAML.replace("nvidia.com/gpu", "other.com/nic")).is_empty());
    assert!(names("x.json", &json.replace("nvidia.com/gpu", "other.com/nic")).is_empty());
    assert!(names("x.json", "[").is_empty());
}

#[test]
fn names_that_could_mean_something_else_are_left_out() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc/cdi")).unwrap();
    fs::write(root.path().join("etc/cdi/nvidia.yaml"), YAML).unwrap();
    assert_eq!(specified(root.path()), ["0", "GPU-ab12"]);
}

fn device(id: &str, way: Way) -> Device {
    Device { id: id.to_owned(), vendor: "any", model: id.to_owned(), memory: 0, way }
}

#[test]
fn arguments_by_specification_switch_and_node() {
    let cdi = [device("nvidia.com/gpu=0", Way::Cdi), device("nvidia.com/gpu=1", Way::Cdi)];
    for kind in EngineKind::ALL {
        assert_eq!(arguments(kind, &cdi), ["--device=nvidia.com/gpu=0", "--device=nvidia.com/gpu=1"]);
    }
    let old = ["0", "2"].map(|index| device(index, Way::Gpus(index.to_owned())));
    assert_eq!(arguments(EngineKind::Docker, &old), ["--gpus=\"device=0,2\""]);
    let amd = [device("amd.com/gpu=renderD128", Way::Amd("renderD128".to_owned()))];
    assert_eq!(
        arguments(EngineKind::Docker, &amd),
        ["--device=/dev/dri/renderD128", "--device=/dev/kfd", "--group-add=video"]
    );
    assert_eq!(
        arguments(EngineKind::Podman, &amd),
        ["--device=/dev/dri/renderD128", "--device=/dev/kfd", "--group-add=keep-groups"]
    );
    assert!(arguments(EngineKind::Podman, &[]).is_empty());
}

#[test]
fn only_what_is_present_can_be_chosen() {
    let all = || vec![device("nvidia.com/gpu=0", Way::Cdi), device("nvidia.com/gpu=1", Way::Cdi)];
    assert_eq!(choose(all(), &[]).unwrap().len(), 2);
    assert_eq!(choose(all(), &["nvidia.com/gpu=1".to_owned()]).unwrap()[0].id, "nvidia.com/gpu=1");
    let refused = choose(all(), &["nvidia.com/gpu=7".to_owned()]).unwrap_err();
    assert!(refused.to_string().contains("nvidia.com/gpu=0, nvidia.com/gpu=1"), "{refused}");
}

#[test]
fn render_nodes_are_plain() {
    assert!(render_node("renderD128"));
    for bad in ["renderD", "card0", "renderD128:rwm", "../sda", "renderD12 8"] {
        assert!(!render_node(bad), "{bad}");
    }
}
