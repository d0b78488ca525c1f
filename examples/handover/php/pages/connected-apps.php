<?php

$person = current_person() ?? ask_to_sign_in();
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    people_api('DELETE', $person['id'], 'grants', $_POST['end'] ?? '');
    go('/connected-apps');
}

$main = '';
foreach (people_api('GET', $person['id'], 'grants')['grants'] ?? [] as $grant) {
    $shop = isset($grant['organization']) ? '<p>for '.e($grant['organization']['name']).'</p>' : '';
    $titles = array_map(fn ($scope) => '<li>'.e($scope['title']).'</li>', $grant['scopes']);
    $main .= form(
        '<h2>'.e($grant['app']['name'])."</h2>$shop<ul>".implode($titles).'</ul>'.
        '<button name="end" value="'.e($grant['id']).'">End access</button>'
    );
}
page('Connected apps', $main ?: '<p>No app has access.</p>');
