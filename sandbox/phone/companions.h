#pragma once
// The companions of a phone: it signs each and lists them all. Specification 06 section 3.2, 02 section 4.

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/phone/app_state.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/device_lists.h"
#include "sandbox/phone/keys.h"
#include "sandbox/phone/sessions.h"

namespace wharf::sandbox {

class PhoneCompanions {
 public:
  PhoneCompanions(PhoneContext& context, PhoneKeys& keys, PhoneDeviceLists& lists, PhoneSessions& sessions,
                  PhoneAppState& app_state)
      : c_(context), keys_(keys), lists_(lists), sessions_(sessions), app_state_(app_state) {}

  using Done = std::function<void(protocol::Result<Jid>)>;
  /// Signs the companion that shows `ref`. Errors: refused, what the network answers.
  void link(std::string ref, const protocol::PublicKey& identity, const protocol::Key32& adv_secret, Done done);
  void on_removed(std::uint16_t device);
  /// Those who vouched for them are gone.
  void clear() { linked_.clear(); }

  std::vector<std::uint16_t> devices() const;
  std::uint32_t last_key_index() const { return last_key_index_; }
  /// Key indexes that are valid now; 0 is the phone.
  std::vector<std::uint32_t> valid_indexes() const;

  // --- in the phone's row
  void save(boost::json::object& core) const;
  boost::json::object saved_linked() const;
  void load(const boost::json::object& core);

 private:
  struct Companion {
    std::uint32_t key_index = 0;
    protocol::PublicKey identity{};
  };
  /// Signs the list of those that are linked now.
  void publish_list();
  Bytes key_index_list(std::uint64_t timestamp, std::optional<std::uint32_t> added);

  PhoneContext& c_;
  PhoneKeys& keys_;
  PhoneDeviceLists& lists_;
  PhoneSessions& sessions_;
  PhoneAppState& app_state_;
  std::map<std::uint16_t, Companion> linked_;
  std::uint32_t last_key_index_ = 0;  // highest ever used: never given twice
  std::uint64_t last_adv_time_ = 0;
};

}  // namespace wharf::sandbox
