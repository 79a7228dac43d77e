//! vox-bundle-builder
