#pragma once
// A store in a temporary file that commits inline.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/store.h"

namespace wharf::test {

/// A store in a temporary directory; commits run inline.
class TemporaryStore {
 public:
  TemporaryStore();
  ~TemporaryStore();
  TemporaryStore(const TemporaryStore&) = delete;
  TemporaryStore& operator=(const TemporaryStore&) = delete;

  /// Closes and opens again, as a restarted daemon does.
  void open();
  void add_session(std::int64_t id, std::string name, storage::OrgId org = storage::default_org);
  void emit(std::int64_t session, std::string lane, std::string id);

  std::unique_ptr<storage::Store> store;
  std::function<bool(const storage::Change&)> refuses;  // a change that fails its turn

 private:
  std::string directory_;
};

}  // namespace wharf::test
