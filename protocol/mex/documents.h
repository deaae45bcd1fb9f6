#pragma once
// mex operations have names here and numbers on the wire: ids of documents that rotate with the web client's releases.
// So they are data. Specification 05 section 8.1 (the table).

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wharf::protocol {

class MexDocuments {
 public:
  static constexpr std::size_t max_operations = 256;

  /// The ids of web client 2.3000.1043028647.
  MexDocuments();

  /// nullopt: no id is known.
  std::optional<std::string_view> id(std::string_view operation) const;
  /// The network's side: which operation a document is. Of an id that is there twice, the first name by the alphabet.
  std::optional<std::string_view> operation(std::string_view id) const;

  /// Replaces or adds an id, for configuration. False, and nothing is changed, when the name is not 1 to 64 letters,
  /// digits or `_`, the id not 1 to 32 digits, or the table full.
  bool set(std::string_view operation, std::string_view id);

 private:
  std::map<std::string, std::string, std::less<>> ids_;
};

}  // namespace wharf::protocol
