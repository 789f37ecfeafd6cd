// The extension module: one bind function a kernel.
#include "common.hpp"

namespace arborank {
void bind_cover(nb::module_& m);
void bind_csr(nb::module_& m);
void bind_features(nb::module_& m);
void bind_kmeans(nb::module_& m);
void bind_mapped(nb::module_& m);
void bind_spmm(nb::module_& m);
void bind_search(nb::module_& m);
void bind_train(nb::module_& m);
}  // namespace arborank

NB_MODULE(ARBORANK_MODULE, m) {
  m.doc() = "Native kernels of Arborank, for one instruction-set level.";
  nb::set_leak_warnings(false);  // a model held by a module's global is no leak worth a message at exit
  arborank::bind_cover(m);
  arborank::bind_csr(m);
  arborank::bind_features(m);
  arborank::bind_kmeans(m);
  arborank::bind_spmm(m);
  arborank::bind_mapped(m);
  arborank::bind_search(m);
  arborank::bind_train(m);
}
