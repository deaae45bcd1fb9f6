#pragma once
// Answers are written by the same writer as events.

#include "sessions/json_writer.h"

namespace wharf::api {

using sessions::JsonWriter;

}  // namespace wharf::api
