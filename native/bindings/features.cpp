#include <nanobind/stl/string_view.h>

#include <memory>
#include <string>
#include <vector>

#include "bindings/common.hpp"
#include "text/encoder.hpp"
#include "text/fitter.hpp"
#include "text/near.hpp"
#include "text/strings.hpp"

namespace arborank::bindings {
namespace {

// The names of choices, as Python callers know them.
template <class T>
using Names = std::vector<std::pair<const char*, T>>;

const Names<text::Norm> kNorms{{"none", text::Norm::kNone}, {"l1", text::Norm::kL1}, {"l2", text::Norm::kL2}};
const Names<text::Analyzer> kAnalyzers{
    {"word", text::Analyzer::kWord}, {"char", text::Analyzer::kChar}, {"char_wb", text::Analyzer::kCharWb}};
const Names<text::Tokens> kTokens{{"word2", text::Tokens::kWord2},
                                  {"word1", text::Tokens::kWord1},
                                  {"whitespace", text::Tokens::kWhitespace},
                                  {"scikit-learn", text::Tokens::kSklearn}};
const Names<text::unicode::Accents> kAccents{{"none", text::unicode::Accents::kKeep},
                                             {"unicode", text::unicode::Accents::kFold},
                                             {"ascii", text::unicode::Accents::kAscii}};

template <class T>
T choose(const std::string& value, const char* argument, const Names<T>& names) {
  for (const auto& [name, choice] : names)
    if (value == name)
      return choice;
  throw std::invalid_argument(std::string(argument) + " is '" + value + "', which is not a choice");
}

template <class T>
std::string name_of(T value, const Names<T>& names) {
  for (const auto& [name, choice] : names)
    if (value == choice)
      return name;
  return "";
}

text::Strings strings_of(const Vector<std::uint8_t>& text, const Vector<std::int64_t>& offsets) {
  if (offsets.size() < 1)
    throw std::invalid_argument("offsets must hold a number more than there are strings");
  return {text.data(), static_cast<std::int64_t>(text.size()), offsets.data()};
}

text::Endings endings(const Vector<std::uint8_t>& text, const Vector<std::int64_t>& offsets,
                      const Vector<std::int32_t>& labels, const Vector<std::int32_t>& begins) {
  if (labels.size() != begins.size())
    throw std::invalid_argument("labels and begins are not as many");
  const text::Strings strings = strings_of(text, offsets);
  return {strings, static_cast<std::int64_t>(offsets.size()) - 1, labels.data(), begins.data()};
}

text::TextOptions text_options(const std::string& analyzer, const std::string& tokens, std::pair<int, int> ngram_range,
                               bool lowercase, const std::string& accents, bool compose,
                               const std::vector<nb::bytes>& stop_words, bool positions, bool graphemes) {
  text::TextOptions o;
  o.analyzer = choose(analyzer, "analyzer", kAnalyzers);
  o.tokens = choose(tokens, "tokens", kTokens);
  std::tie(o.min_n, o.max_n) = ngram_range;
  if (o.min_n < 1 || o.max_n < o.min_n)
    throw std::invalid_argument("ngram_range must hold 1 <= min <= max");
  o.lowercase = lowercase;
  o.accents = choose(accents, "strip_accents", kAccents);
  o.compose = compose;
  o.positions = positions;
  o.graphemes = graphemes;
  for (const auto& word : stop_words)
    o.stop_words.emplace(word.c_str(), word.size());
  return o;
}

std::string shown(const text::TextOptions& o) {
  std::string out = "TextOptions(analyzer='" + name_of(o.analyzer, kAnalyzers) + "', tokens='" +
                    name_of(o.tokens, kTokens) + "', ngram_range=(" + std::to_string(o.min_n) + ", " +
                    std::to_string(o.max_n) + "), lowercase=" + (o.lowercase ? "True" : "False") + ", strip_accents='" +
                    name_of(o.accents, kAccents) + "'";
  for (const auto& [on, name] :
       {std::pair(o.compose, "compose"), std::pair(o.positions, "positions"), std::pair(o.graphemes, "graphemes")})
    if (on)
      out += std::string(", ") + name + "=True";
  if (!o.stop_words.empty())
    out += ", " + std::to_string(o.stop_words.size()) + " stop words";
  return out + ")";
}

nb::object owned(PyObject* object) {
  if (!object)
    throw nb::python_error();
  return nb::steal(object);
}

nb::object utf8(nb::handle text) {
  if (PyObject* encoded = PyUnicode_AsUTF8String(text.ptr()))
    return nb::steal(encoded);
  PyErr_Clear();  // lone surrogates
  return owned(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogatepass"));
}

// Blocks of texts from any iterable of str, as UTF-8 that lives until the next block.
class TextReader {
 public:
  explicit TextReader(nb::handle texts, std::size_t stride = 1)
      : iterator_(owned(PyObject_GetIter(texts.ptr()))), stride_(stride) {}

  // May be called without the GIL.
  const std::vector<std::string_view>& next() {
    nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0)
      throw nb::python_error();
    views_.clear();
    held_.clear();
    std::size_t n_bytes = 0;
    while (n_bytes < kBlock || views_.size() % stride_) {
      PyObject* const item = PyIter_Next(iterator_.ptr());
      if (!item) {
        if (PyErr_Occurred())
          throw nb::python_error();
        if (views_.size() % stride_)
          throw std::invalid_argument("the last row has no text for every part");
        break;
      }
      const nb::object text = nb::steal(item);
      if (!PyUnicode_Check(item))
        throw nb::type_error(
            ("texts must hold str, found " + found(text) + " at position " + std::to_string(position_)).c_str());
      held_.push_back(utf8(text));
      const nb::handle bytes = held_.back();
      const auto size = static_cast<std::size_t>(PyBytes_Size(bytes.ptr()));
      if (size > text::kLongestText)
        throw std::invalid_argument("text at position " + std::to_string(position_) + " has " + std::to_string(size) +
                                    " bytes; at most " + std::to_string(text::kLongestText) + " are supported");
      views_.emplace_back(PyBytes_AsString(bytes.ptr()), size);
      n_bytes += size + 64;
      position_++;
    }
    return views_;
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{8} << 20;

  static std::string found(nb::handle object) { return nb::cast<std::string>(object.type().attr("__name__")); }

  nb::object iterator_;
  std::size_t stride_;  // texts of a row
  std::vector<nb::object> held_;
  std::vector<std::string_view> views_;
  std::int64_t position_ = 0;
};

// The three arrays of a `Csr`, which Python puts together.
using Rows = std::tuple<NumpyVector<std::int64_t>, NumpyVector<std::int32_t>, NumpyVector<float>>;

Rows csr_of(text::NgramRows&& a) {
  const std::int64_t nnz = a.indptr[a.n_rows];
  return {to_numpy(std::move(a.indptr), a.n_rows + 1), to_numpy(std::move(a.indices), nnz),
          to_numpy(std::move(a.data), nnz)};
}

using Doubles = std::optional<Vector<double>>;

struct Weights {  // a Weighting and the arrays it points to
  text::Weighting weighting;
  Doubles idf, positions;

  Weights(bool binary, bool sublinear, const std::string& norm, Doubles idf_, double weight, Doubles positions_)
      : idf(std::move(idf_)), positions(std::move(positions_)) {
    if (positions && positions->size() == 0)
      throw std::invalid_argument("position weights are empty; at least one is needed");
    weighting = {.binary = binary,
                 .sublinear = sublinear,
                 .norm = choose(norm, "norm", kNorms),
                 .idf = idf ? idf->data() : nullptr,
                 .positions = positions ? positions->data() : nullptr,
                 .n_positions = positions ? static_cast<std::uint32_t>(positions->size()) : 0,
                 .weight = weight};
  }
  void check(std::int64_t n_terms, const text::TextOptions& options) const {
    if (options.positions != positions.has_value())
      throw std::invalid_argument("position weights are needed for a part with positions, and only there");
    if (idf && static_cast<std::int64_t>(idf->size()) != n_terms)
      throw std::invalid_argument("idf has " + std::to_string(idf->size()) + " entries for " + std::to_string(n_terms) +
                                  " terms");
  }
};

struct NgramPart {
  text::TextOptions options;
  Vector<std::uint8_t> terms;
  Vector<std::int64_t> offsets;
  Matrix<std::uint64_t> slots;
  Weights weights;
  text::Vocabulary vocabulary;

  NgramPart(text::TextOptions options_, Vector<std::uint8_t> terms_, Vector<std::int64_t> offsets_,
            Matrix<std::uint64_t> slots_, Weights weights_)
      : options(std::move(options_)),
        terms(std::move(terms_)),
        offsets(std::move(offsets_)),
        slots(std::move(slots_)),
        weights(std::move(weights_)) {
    if (offsets.size() == 0 || slots.shape(1) != 2)
      throw std::invalid_argument("vocabulary offsets must not be empty, and slots must have two columns");
    vocabulary = {terms.data(), offsets.data(), slots.data(), static_cast<std::int64_t>(offsets.size()) - 1,
                  static_cast<std::int64_t>(slots.shape(0))};
    vocabulary.check(static_cast<std::int64_t>(terms.size()));
    weights.check(vocabulary.n_terms, options);
  }
};

struct NgramEncoder {
  std::vector<NgramPart> parts;
  std::unique_ptr<text::Encoder> encoder;

  NgramEncoder(std::vector<NgramPart> parts_, const std::string& norm, bool apart) : parts(std::move(parts_)) {
    std::vector<text::EncoderPart> views;
    for (const auto& part : parts)
      views.push_back({part.options, part.vocabulary, part.weights.weighting});
    encoder = std::make_unique<text::Encoder>(std::move(views), choose(norm, "norm", kNorms), apart);
    if (encoder->n_columns() > INT32_MAX)
      throw std::invalid_argument("the parts have " + std::to_string(encoder->n_columns()) +
                                  " features together; at most 2147483647 are supported");
  }

  Rows encode(nb::handle texts, int n_threads, const Progress& progress) const {
    TextReader reader(texts, encoder->stride());
    return csr_of(without_gil([&] {
      return encoder->encode([&]() -> const auto& { return reader.next(); }, n_threads, python_tick(progress));
    }));
  }
};

NumpyMatrix<std::uint64_t> term_slots(const Vector<std::uint8_t>& terms, const Vector<std::int64_t>& offsets) {
  text::Vocabulary v{terms.data(), offsets.data(), nullptr, static_cast<std::int64_t>(offsets.size()) - 1, 0};
  if (v.n_terms < 0 || offsets(0) != 0 || offsets(v.n_terms) != static_cast<std::int64_t>(terms.size()) ||
      !std::is_sorted(offsets.data(), offsets.data() + offsets.size()))
    throw std::invalid_argument("offsets must ascend from 0 to the number of bytes of terms");
  v.n_slots = text::Vocabulary::slots_for(v.n_terms);
  auto slots = std::make_unique<std::uint64_t[]>(2 * v.n_slots);
  without_gil([&] { text::Vocabulary::build(v, slots.get()); });
  return to_numpy(std::move(slots), v.n_slots, 2);
}

struct NgramFitter {
  text::Fitter fitter;

  NgramFitter(std::vector<text::TextOptions> parts, bool keep_rows, int n_threads, bool apart)
      : fitter(std::move(parts), keep_rows, n_threads, apart) {}

  std::int64_t add(nb::handle texts, const Progress& progress) {
    TextReader reader(texts, fitter.stride());
    without_gil([&] { fitter.add([&]() -> const auto& { return reader.next(); }, python_tick(progress)); });
    return fitter.n_texts();
  }

  std::tuple<NumpyVector<std::uint8_t>, NumpyVector<std::int64_t>, NumpyMatrix<std::uint64_t>,
             NumpyVector<std::int64_t>>
  select(std::size_t part, double low, double high, std::int64_t max_features, bool binary) {
    text::Selection s;
    std::unique_ptr<std::uint64_t[]> slots;
    text::Vocabulary v;
    {
      nb::gil_scoped_release release;
      s = fitter.select(part, {low, high, max_features, binary}, python_tick(std::nullopt));
      v = {s.terms.get(), s.offsets.data(), nullptr, static_cast<std::int64_t>(s.df.size()), 0};
      v.n_slots = text::Vocabulary::slots_for(v.n_terms);
      slots = std::make_unique<std::uint64_t[]>(2 * v.n_slots);
      text::Vocabulary::build(v, slots.get());
    }
    const std::int64_t n_bytes = s.offsets.back();
    return {to_numpy(std::move(s.terms), n_bytes), to_numpy(std::move(s.offsets)),
            to_numpy(std::move(slots), v.n_slots, 2), to_numpy(std::move(s.df))};
  }

  // Every term with its counts, to be added to those of other texts.
  std::tuple<NumpyVector<std::uint8_t>, NumpyVector<std::int64_t>, NumpyVector<std::int64_t>, NumpyVector<std::int64_t>>
  counts(std::size_t part) {
    text::Selection s = without_gil([&] {
      const auto all = static_cast<double>(fitter.n_texts());
      return fitter.select(part, {1, all, 0, false}, python_tick(std::nullopt));
    });
    const std::int64_t n_bytes = s.offsets.back();
    return {to_numpy(std::move(s.terms), n_bytes), to_numpy(std::move(s.offsets)), to_numpy(std::move(s.df)),
            to_numpy(std::move(s.tf))};
  }

  Rows rows(const std::vector<Weights>& parts, const std::string& norm, const Progress& progress) {
    std::vector<text::Weighting> weightings;
    for (std::size_t i = 0; i < parts.size(); i++) {
      parts[i].check(fitter.width(i), fitter.options(i));
      weightings.push_back(parts[i].weighting);
    }
    return csr_of(
        without_gil([&] { return fitter.rows(weightings, choose(norm, "norm", kNorms), python_tick(progress)); }));
  }
};

nb::typed<nb::list, nb::str> ngrams(nb::str text, const text::TextOptions& options) {
  const nb::object bytes = utf8(text);
  text::Analysis analysis;
  analysis.analyse({PyBytes_AsString(bytes.ptr()), static_cast<std::size_t>(PyBytes_Size(bytes.ptr()))}, options);
  nb::list out;
  analysis.each(options, [&](std::uint32_t start, std::uint32_t length, std::uint32_t) {
    out.append(owned(PyUnicode_DecodeUTF8(analysis.bytes() + start, length, "surrogatepass")));
  });
  return out;
}

// The text itself when it is composed already.
nb::str compose(nb::str text, bool visible) {
  const nb::object bytes = utf8(text);
  text::unicode::Composer composer;
  std::string out;
  if (!composer.compose({PyBytes_AsString(bytes.ptr()), static_cast<std::size_t>(PyBytes_Size(bytes.ptr()))}, visible,
                        out))
    return text;
  PyObject* const made = PyUnicode_DecodeUTF8(out.data(), static_cast<Py_ssize_t>(out.size()), "surrogatepass");
  return nb::cast<nb::str>(owned(made));
}

}  // namespace

void bind_features(nb::module_& m) {
  nb::class_<text::TextOptions>(m, "TextOptions", "How a text becomes n-grams.")
      .def(
          "__init__",
          [](text::TextOptions* self, const std::string& analyzer, const std::string& tokens,
             std::pair<int, int> ngram_range, bool lowercase, const std::string& accents, bool compose,
             const std::vector<nb::bytes>& stop_words, bool positions, bool graphemes) {
            new (self) text::TextOptions(text_options(analyzer, tokens, ngram_range, lowercase, accents, compose,
                                                      stop_words, positions, graphemes));
          },
          nb::kw_only(), nb::arg("analyzer") = "word", nb::arg("tokens") = "word2",
          nb::arg("ngram_range") = std::pair(1, 1), nb::arg("lowercase") = true, nb::arg("strip_accents") = "none",
          nb::arg("compose") = true, nb::arg("stop_words") = std::vector<nb::bytes>(), nb::arg("positions") = false,
          nb::arg("graphemes") = false)
      .def("__repr__", &shown);
  nb::class_<Weights>(m, "NgramWeights", "How the counts of n-grams become values.")
      .def(nb::init<bool, bool, const std::string&, Doubles, double, Doubles>(), nb::kw_only(),
           nb::arg("binary") = false, nb::arg("sublinear_tf") = false, nb::arg("norm") = "none",
           nb::arg("idf").none() = nb::none(), nb::arg("weight") = 1.0, nb::arg("positions").none() = nb::none())
      .def("__repr__", [](const Weights& w) {
        return "<NgramWeights: " + std::to_string(w.idf ? w.idf->size() : 0) + " idf values>";
      });
  nb::class_<NgramPart>(m, "NgramPart", "A vocabulary in flat arrays, with its options and weights.")
      .def(nb::init<text::TextOptions, Vector<std::uint8_t>, Vector<std::int64_t>, Matrix<std::uint64_t>, Weights>(),
           nb::arg("options"), nb::arg("terms").noconvert(), nb::arg("offsets").noconvert(),
           nb::arg("slots").noconvert(), nb::arg("weights"))
      .def("__repr__", [](const NgramPart& part) {
        return "<NgramPart: " + std::to_string(part.vocabulary.n_terms) + " terms, " + shown(part.options) + ">";
      });
  nb::class_<NgramEncoder>(m, "NgramEncoder", "Texts to TF-IDF rows.")
      .def(nb::init<std::vector<NgramPart>, const std::string&, bool>(), nb::arg("parts"), nb::arg("norm"),
           nb::arg("apart") = false,
           "If apart, every part reads a text of its own: those of a row come one after another.")
      .def("__repr__",
           [](const NgramEncoder& encoder) {
             return "<NgramEncoder: " + std::to_string(encoder.encoder->n_columns()) + " features of " +
                    std::to_string(encoder.parts.size()) + " parts>";
           })
      .def("encode", &NgramEncoder::encode, nb::arg("texts"), nb::arg("n_threads"), nb::arg("progress").none(),
           "Return indptr, indices, data; progress takes the texts done.");
  nb::class_<NgramFitter>(m, "NgramFitter", "Learns the vocabularies of several parts in one pass over the texts.")
      .def(nb::init<std::vector<text::TextOptions>, bool, int, bool>(), nb::arg("parts"), nb::arg("keep_rows"),
           nb::arg("n_threads"), nb::arg("apart") = false)
      .def("__repr__",
           [](const NgramFitter& f) { return "<NgramFitter: " + std::to_string(f.fitter.n_texts()) + " texts>"; })
      .def("add", &NgramFitter::add, nb::arg("texts"), nb::arg("progress").none(),
           "Count an iterable of texts; return the number so far. Progress takes the texts done.")
      .def_prop_ro("n_texts", [](const NgramFitter& f) { return f.fitter.n_texts(); })
      .def_prop_ro(
          "n_without", [](const NgramFitter& f) { return f.fitter.n_without(); }, "Texts without any n-gram.")
      .def(
          "unparted", [](const NgramFitter& f, std::size_t part) { return f.fitter.unparted(part); }, nb::arg("part"),
          "What share of the text is runs of a script without spaces, too long to be words.")
      .def(
          "found_any", [](const NgramFitter& f, std::size_t part) { return f.fitter.found_any(part); }, nb::arg("part"),
          "Whether the texts hold any n-gram of a part; before `select`.")
      .def("select", &NgramFitter::select, nb::arg("part"), nb::kw_only(), nb::arg("low"), nb::arg("high"),
           nb::arg("max_features"), nb::arg("binary"),
           "Return terms, offsets, slots and document frequencies of a part.")
      .def("counts", &NgramFitter::counts, nb::arg("part"),
           "Return terms, offsets, document frequencies and occurrences of all terms of a part; in place of `select`.")
      .def("rows", &NgramFitter::rows, nb::arg("parts"), nb::arg("norm"), nb::arg("progress").none(),
           "Return indptr, indices, data of the texts added; once. Progress takes the texts done.");
  m.def("term_slots", &term_slots, nb::arg("terms"), nb::arg("offsets"),
        "The hash table of terms in byte order, as `NgramFitter.select` returns it.");
  m.def("ngrams", &ngrams, nb::arg("text"), nb::arg("options"), "The n-grams of one text, as often as they occur.");
  m.def("compose", &compose, nb::arg("text"), nb::arg("visible"),
        "The text in NFC; with visible, without invisible characters, and with spaces for zero-width ones.");
  m.def(
      "starting_with",
      [](const Vector<std::uint8_t>& text, const Vector<std::int64_t>& offsets, const nb::bytes& prefix,
         std::int64_t low, std::int64_t high) {
        if (low < 0 || high < low || high >= static_cast<std::int64_t>(offsets.size()))
          throw std::invalid_argument("low and high must be positions of the strings");
        const text::Strings strings{text.data(), static_cast<std::int64_t>(text.size()), offsets.data()};
        return text::starting_with(strings, {prefix.c_str(), prefix.size()}, low, high);
      },
      nb::arg("text"), nb::arg("offsets"), nb::arg("prefix"), nb::arg("low"), nb::arg("high"),
      "The first and the one behind the last of the strings, in code point order, that begin with a prefix.");
  m.def(
      "endings_with",
      [](const Vector<std::uint8_t>& text, const Vector<std::int64_t>& offsets, const Vector<std::int32_t>& labels,
         const Vector<std::int32_t>& begins, const nb::bytes& prefix) {
        const text::Endings ends = endings(text, offsets, labels, begins);
        return text::starting_with(ends, {prefix.c_str(), prefix.size()}, 0, static_cast<std::int64_t>(labels.size()));
      },
      nb::arg("text"), nb::arg("offsets"), nb::arg("labels"), nb::arg("begins"), nb::arg("prefix"),
      "The same of ends of strings in code point order: a label and a byte of each.");
  m.def(
      "near",
      [](const Vector<std::uint8_t>& text, const Vector<std::int64_t>& offsets,
         const std::optional<Vector<std::int32_t>>& labels, const std::optional<Vector<std::int32_t>>& begins,
         const nb::bytes& typed, int errors) {
        if (errors < 0 || labels.has_value() != begins.has_value())
          throw std::invalid_argument("errors must be at least 0, and labels come with begins");
        const std::string_view wanted{typed.c_str(), typed.size()};
        std::vector<text::Near> found;
        if (labels) {
          const text::Endings ends = endings(text, offsets, *labels, *begins);
          found = text::NearSearch(ends, wanted, errors).search(static_cast<std::int64_t>(labels->size()));
        } else {
          const text::Strings strings = strings_of(text, offsets);
          found = text::NearSearch(strings, wanted, errors).search(static_cast<std::int64_t>(offsets.size()) - 1);
        }
        std::vector<std::tuple<std::int64_t, std::int64_t, int>> runs;
        for (const auto& [first, end, of] : found)
          runs.emplace_back(first, end, of);
        return runs;
      },
      nb::arg("text"), nb::arg("offsets"), nb::arg("labels").none(), nb::arg("begins").none(), nb::arg("typed"),
      nb::arg("errors"),
      "Runs of the strings (with labels and begins, of ends of strings) that begin with what was typed but for some "
      "errors, and how many.");
  m.def(
      "strings_at",
      [](const Vector<std::uint8_t>& text, const Vector<std::int64_t>& offsets,
         const std::vector<std::int64_t>& positions) {
        const text::Strings strings{text.data(), static_cast<std::int64_t>(text.size()), offsets.data()};
        const auto n = static_cast<std::int64_t>(offsets.size()) - 1;
        std::vector<nb::str> found;
        for (const std::int64_t position : positions) {
          if (position < -n || position >= n)
            throw nb::index_error(
                ("position " + std::to_string(position) + " is out of range for " + std::to_string(n) + " strings")
                    .c_str());
          const std::string_view one = strings.at(position < 0 ? position + n : position);
          PyObject* decoded = PyUnicode_DecodeUTF8(one.data(), static_cast<Py_ssize_t>(one.size()), nullptr);
          if (decoded == nullptr)
            throw nb::python_error();
          found.push_back(nb::steal<nb::str>(decoded));
        }
        return found;
      },
      nb::arg("text"), nb::arg("offsets"), nb::arg("positions"),
      "The strings at some positions; negative ones count from the end.");
  m.attr("UNICODE_VERSION") = text::unicode::kVersion;
}

}  // namespace arborank::bindings
