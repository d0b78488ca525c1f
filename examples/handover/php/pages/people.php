<?php

$people = people();
if (empty(current_person()['staff'])) {
    refuse(403);
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $id = (int) ($_POST['person'] ?? 0);
    isset($people[$id]) || refuse(404);
    [$word, $shop] = explode(' ', ($_POST['do'] ?? '').' ');
    // Hallpass first: if the call fails, nothing has changed here, and the button can be pressed again.
    switch ($word) {
        case 'suspend':
        case 'resume':
            people_api('POST', $id, $word);
            $people[$id]['blocked'] = $word === 'suspend';
            break;
        case 'delete':
            people_api('DELETE', $id);
            unset($people[$id]);
            break;
        case 'leave':
            people_api('DELETE', $id, 'organizations', $shop);
            unset($people[$id]['shops'][$shop]);
            break;
        default:
            refuse(400);
    }
    people($people);
    go('/people');
}

$main = '';
foreach ($people as $one) {
    $button = fn (string $do, string $text) => '<button name="do" value="'.e($do).'">'.e($text).'</button>';
    $main .= form(
        '<input type="hidden" name="person" value="'.e($one['id']).'"><h2>'.e($one['name']).'</h2>'.
        (empty($one['blocked']) ? $button('suspend', 'Suspend') : $button('resume', 'Resume')).
        implode(array_map(fn ($shop) => $button("leave $shop", 'Remove from '.SHOPS[$shop]), array_keys($one['shops']))).
        $button('delete', 'Delete')
    );
}
page('People', $main);
