<?php
// Signs the people of this site in at Hallpass.
$person = current_person();
$signed_in_at = $_SESSION['signed_in_at'] ?? 0;
if (!$person || $signed_in_at < (int) ($_GET['after'] ?? 0)) {
    ask_to_sign_in();
}
$about = empty($person['blocked']) ? described($person, $signed_in_at) : ['error' => 'access_denied'];
$answer = file_get_contents(getenv('HALLPASS_URL').'/handover', false, stream_context_create(['http' => [
    'method' => 'POST',
    'timeout' => 10,
    'ignore_errors' => true,
    'header' => ['Authorization: Bearer '.getenv('HALLPASS_HANDOVER_SECRET'), 'Content-Type: application/json'],
    'content' => json_encode(['handover' => $_GET['handover'] ?? ''] + $about),
]]));
$answer = json_decode((string) $answer, true);
$address = $answer['redirect_to'] ?? '';
if (!str_starts_with($address, getenv('HALLPASS_URL').'/')) {
    error_log('Hallpass: '.($answer['error_description'] ?? 'no answer, or HALLPASS_URL is not its address'));
    refuse(502);
}
header('Cache-Control: no-store');
header("Location: $address", true, 303);
