// The extension module: one bind function a kernel.
#include "bindings/common.hpp"

namespace arborank::bindings {
void bind_blend(nb::module_& m);
void bind_calibrate(nb::module_& m);
void bind_cover(nb::module_& m);
void bind_csr(nb::module_& m);
void bind_features(nb::module_& m);
void bind_history(nb::module_& m);
void bind_kmeans(nb::module_& m);
void bind_layer(nb::module_& m);
void bind_mapped(nb::module_& m);
void bind_rerank(nb::module_& m);
void bind_sources(nb::module_& m);
void bind_spmm(nb::module_& m);
void bind_search(nb::module_& m);
void bind_train(nb::module_& m);
}  // namespace arborank::bindings

NB_MODULE(ARBORANK_MODULE, m) {
  m.doc() = "Native kernels of Arborank, for one instruction-set level.";
  nb::set_leak_warnings(false);  // a model held by a module's global is no leak worth a message at exit
  arborank::bindings::bind_blend(m);
  arborank::bindings::bind_calibrate(m);
  arborank::bindings::bind_cover(m);
  arborank::bindings::bind_csr(m);
  arborank::bindings::bind_features(m);
  arborank::bindings::bind_history(m);
  arborank::bindings::bind_kmeans(m);
  arborank::bindings::bind_spmm(m);
  arborank::bindings::bind_mapped(m);
  arborank::bindings::bind_layer(m);
  arborank::bindings::bind_search(m);
  arborank::bindings::bind_sources(m);
  arborank::bindings::bind_rerank(m);
  arborank::bindings::bind_train(m);
}
