#pragma once
// Answers are written by the same writer as events.

#include "events/json_writer.h"

namespace wharf::api {

using events::JsonWriter;

}  // namespace wharf::api
