// A stand-in for miniaudio, which Ollama's Go module needs and leaves out. It
// decodes nothing: only models that listen would, and tests have none.
#pragma once
#include <cstdint>

using ma_result = int;
using ma_uint64 = std::uint64_t;
struct ma_decoder {};
struct ma_decoder_config {};

constexpr ma_result MA_SUCCESS = 0;
constexpr ma_result career_no_sound = -1;
constexpr int ma_format_f32 = 0;

template <class... Any> ma_decoder_config ma_decoder_config_init(Any...) { return {}; }
template <class... Any> ma_result ma_decoder_init_memory(Any...) { return career_no_sound; }
template <class... Any> ma_result ma_decoder_get_length_in_pcm_frames(Any...) { return career_no_sound; }
template <class... Any> ma_result ma_decoder_read_pcm_frames(Any...) { return career_no_sound; }
template <class... Any> ma_result ma_decoder_uninit(Any...) { return career_no_sound; }
