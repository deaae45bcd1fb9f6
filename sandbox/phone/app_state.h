#pragma once
// The phone's part of app state: it makes the key, and writes the first version of every collection before a companion
// is linked. Specification 06 sections 13 and 14, 04 section 8.

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/messages/bootstrap.h"
#include "sandbox/phone/context.h"

namespace wharf::sandbox {

class PhoneAppState {
 public:
  explicit PhoneAppState(PhoneContext& context) : c_(context) {}

  /// The key, made when it is first asked for.
  const protocol::AppStateKeyShare& key();
  /// What nobody wrote yet: the push name, and the other collections empty.
  void write();
  /// The phone was installed anew.
  void forget_key() { key_.reset(); }
  /// The key ids of an APP_STATE_SYNC_KEY_REQUEST.
  static std::vector<Bytes> requested_keys(ByteView message);

  // --- in the phone's row
  void save(boost::json::object& core) const;
  void load(const boost::json::object& core);

 private:
  void write_collection(const std::string& name);

  PhoneContext& c_;
  std::optional<protocol::AppStateKeyShare> key_;
};

}  // namespace wharf::sandbox
